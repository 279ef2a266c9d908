//! The fuzz targets' bodies over their committed corpus.

use std::{fs, path::Path};

fn replay(target: &str, body: fn(&[u8])) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let mut inputs: Vec<_> = fs::read_dir(Path::new(root).join(target))
        .expect("the target has a corpus")
        .map(|entry| entry.expect("the corpus can be listed").path())
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 10, "the corpus of {target} is there");
    for input in inputs {
        println!("{}", input.display());
        body(&fs::read(input).expect("the corpus can be read"));
    }
}

#[test]
fn the_decoder_does_what_tungstenite_does_on_every_seed() {
    replay("decoder", testkit::fuzz::decoder);
}

#[test]
fn a_pair_understands_itself_on_every_seed() {
    replay("pair", testkit::fuzz::pair);
}

#[test]
fn compressed_messages_are_received_the_same_in_any_cuts_on_every_seed() {
    replay("inflate", testkit::fuzz::inflate_strictly);
}

#[test]
fn compression_is_negotiated_right_on_every_seed() {
    replay("negotiation", testkit::fuzz::negotiation);
}

#[test]
fn the_handshake_parsers_hold_on_every_seed() {
    replay("handshake", testkit::fuzz::handshake);
}
