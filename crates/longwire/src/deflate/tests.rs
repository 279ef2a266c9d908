use super::*;
use longwire_proto::extension::{Codecs, Deflate, DeflateSettings, Inflate};
use proptest::prelude::*;
use testkit::{RandomDeflate, decompress};

const SETTINGS: DeflateSettings = DeflateSettings {
    window_bits: 15,
    level: 1,
};

fn any_settings() -> impl Strategy<Value = DeflateSettings> {
    (8_u8..=15, 1_u8..=9).prop_map(|(window_bits, level)| DeflateSettings { window_bits, level })
}

/// Messages with matches near and far: pieces of a few kinds, in any order.
fn any_messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = (0_u8..6, 1_usize..400).prop_map(|(kind, len)| {
        let of = |i: usize| match kind {
            0 => 0,
            1 => (i % 7) as u8,
            2 => (i * i) as u8,
            kind => (i as u8).wrapping_mul(37).wrapping_add(kind) ^ (i >> 3) as u8,
        };
        (0..len).map(of).collect::<Vec<u8>>()
    });
    let message = proptest::collection::vec(piece, 1..20).prop_map(|pieces| pieces.concat());
    proptest::collection::vec(message, 1..8)
}

/// All that `input` gives, in steps of `input_step` and `output_step` bytes.
fn inflate(inflater: &mut ZlibInflate, input: &[u8], steps: (usize, usize)) -> Vec<u8> {
    let mut all = Vec::new();
    let mut output = vec![0; steps.1];
    for mut piece in input.chunks(steps.0) {
        loop {
            let step = inflater.inflate(piece, &mut output).expect("it is DEFLATE");
            all.extend_from_slice(&output[..step.written]);
            piece = &piece[step.read..];
            if piece.is_empty() && step.written < output.len() {
                break;
            }
        }
    }
    all
}

proptest! {
    /// With 8 bits too, for which zlib has no window.
    #[test]
    fn what_is_compressed_keeps_to_its_window(
        settings in any_settings(),
        messages in any_messages(),
    ) {
        let mut deflater = ZlibDeflate::new(settings);
        let mut output = Vec::new();
        for message in &messages {
            deflater.deflate(message, &mut output);
            prop_assert!(output.ends_with(&[0x00, 0x00, 0xff, 0xff]));
        }
        let done = decompress(&[], &output).expect("it is DEFLATE");
        prop_assert_eq!(done.output, messages.concat());
        prop_assert!(done.furthest <= 1 << settings.window_bits, "{}", done.furthest);
        deflater.reset();
        output.clear();
        deflater.deflate(&messages[0], &mut output);
        let done = decompress(&[], &output).expect("it refers to nothing before it");
        prop_assert_eq!(&done.output, &messages[0]);
    }

    #[test]
    fn what_others_compress_is_decompressed_in_any_steps(
        seed: u64,
        window_bits in 8_u8..=15,
        messages in any_messages(),
        steps in (1_usize..300, 1_usize..3000),
    ) {
        let mut deflater = RandomDeflate::new(seed, DeflateSettings { window_bits, level: 1 });
        let mut inflater = ZlibInflate::new();
        let mut history = Vec::new();
        for message in &messages {
            let mut input = Vec::new();
            deflater.deflate(message, &mut input);
            // As the core does between messages: the window goes and comes back.
            let (old, new) = history.split_at(history.len() / 2);
            inflater.restart(&[old, new]);
            prop_assert_eq!(&inflate(&mut inflater, &input, steps), message);
            history.extend_from_slice(message);
            let excess = history.len().saturating_sub(1 << window_bits);
            history.drain(..excess);
        }
    }
}

#[test]
fn a_final_block_ends_the_stream_where_it_ends() {
    let input = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x17, 0x18];
    let mut output = [0; 100];
    let step = ZlibInflate::new().inflate(&input, &mut output).unwrap();
    assert_eq!(&output[..step.written], b"Hello");
    assert_eq!((step.read, step.finished), (7, true));
}

#[test]
fn what_is_no_deflate_is_refused() {
    for input in [
        &[0x07][..],
        &[0x00, 1, 0, 0, 0],
        &[0xf2, 0x00, 0x11, 0, 0, 0],
    ] {
        let refused = ZlibInflate::new().inflate(input, &mut [0; 100]);
        assert!(refused.is_err(), "{input:?}");
    }
}

#[test]
fn output_of_any_length_ends_with_the_tail() {
    // Around the size of the buffer that it goes through.
    let noise: Vec<u8> = (0_u32..9000)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for len in (4060..4110).chain(8160..8200) {
        let mut output = Vec::new();
        ZlibDeflate::new(SETTINGS).deflate(&noise[..len], &mut output);
        assert!(output.ends_with(&[0x00, 0x00, 0xff, 0xff]));
        let done = decompress(&[], &output).expect("it is DEFLATE");
        assert_eq!(done.output, &noise[..len]);
    }
}

#[test]
fn a_pool_counts_what_is_lent_and_lends_no_more_than_it_may() {
    let mut pool = Pool::default();
    let inflater = pool.inflater(ZlibInflate::MEMORY).unwrap();
    assert_eq!(pool.lent(), ZlibInflate::MEMORY);
    assert!(pool.inflater(ZlibInflate::MEMORY).is_none());
    let both = ZlibInflate::MEMORY + ZlibDeflate::memory(SETTINGS);
    assert!(pool.deflater(SETTINGS, both - 1).is_none());
    let deflater = pool.deflater(SETTINGS, both).unwrap();
    assert_eq!(pool.lent(), both);
    pool.take_back_inflater(inflater);
    assert_eq!(pool.lent(), ZlibDeflate::memory(SETTINGS));
    // A connection that ends without giving back.
    drop(deflater);
    assert_eq!(pool.lent(), 0);
    // One that gives back on another thread.
    let mut other = Pool::default();
    other.take_back_deflater(pool.deflater(SETTINGS, both).unwrap());
    assert_eq!((pool.lent(), other.lent()), (0, 0));
}

#[test]
fn a_compressor_comes_out_of_the_pool_with_an_empty_window() {
    let mut pool = Pool::default();
    let message = b"a message that is like the one before it";
    for level in [1, 1, 6, 1] {
        let settings = DeflateSettings { level, ..SETTINGS };
        let mut deflater = pool.deflater(settings, usize::MAX).unwrap();
        assert_eq!(deflater.settings(), settings);
        let mut output = Vec::new();
        deflater.deflate(message, &mut output);
        let done = decompress(&[], &output).expect("it refers to nothing before it");
        assert_eq!(done.output, message);
        pool.take_back_deflater(deflater);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn two_of_ours_understand_each_other(
        schedule in testkit::any_schedule(),
        deflate in testkit::any_deflate_config(),
    ) {
        schedule.run_compressed(&deflate, || Box::<Pool>::default());
    }
}

#[test]
fn the_engine_sees_what_a_strict_one_sees_on_every_seed() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/inflate");
    let mut seeds = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus is there") {
        let path = entry.expect("the corpus can be listed").path();
        println!("{}", path.display());
        let seed = std::fs::read(path).expect("the corpus can be read");
        testkit::fuzz::inflate(&seed, || Box::<Pool>::default());
        seeds += 1;
    }
    assert!(seeds >= 10, "the corpus is there");
}

proptest! {
    #[test]
    fn the_engine_sees_what_a_strict_one_sees(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        testkit::fuzz::inflate(&data, || Box::<Pool>::default());
    }
}
