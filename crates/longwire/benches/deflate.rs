//! Compression of JSON messages: the engine alone, as the core drives it.
//! `cargo bench -p longwire --bench deflate`.

use divan::{Bencher, counter::BytesCount};
use longwire::{
    deflate::Pool,
    proto::extension::{Codecs, DeflateSettings},
};

fn main() {
    divan::main();
}

const SIZES: [usize; 4] = [128, 1024, 16 * 1024, 64 * 1024];
const SETTINGS: DeflateSettings = DeflateSettings {
    window_bits: 15,
    level: 1,
};

/// Messages like those of a price feed, each unlike the others.
fn messages(size: usize) -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut next = move |end: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let mut message = move || {
        let mut text = String::from("[");
        while text.len() < size {
            let symbol = ["ACME", "GLOBEX", "INITECH", "HOOLI"][next(4) as usize];
            let (id, price, cents, volume) = (next(1 << 24), next(900), next(100), next(10_000));
            text += &format!(
                r#"{{"id":{id},"symbol":"{symbol}","price":{price}.{cents:02},"volume":{volume}}},"#
            );
        }
        text.truncate(size);
        text.into_bytes()
    };
    (0..32).map(|_| message()).collect()
}

#[divan::bench(args = SIZES, consts = [false, true])]
fn deflate<const TAKEOVER: bool>(bencher: Bencher<'_, '_>, size: usize) {
    let mut pool = Pool::default();
    let messages = messages(size);
    let mut turn = messages.iter().cycle();
    let mut kept = None;
    let mut output = Vec::new();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let lent = kept.take().or_else(|| pool.deflater(SETTINGS, usize::MAX));
        let mut deflater = lent.expect("there is no bound");
        output.clear();
        deflater.deflate(turn.next().expect("it goes round"), &mut output);
        if TAKEOVER {
            kept = Some(deflater);
        } else {
            pool.take_back_deflater(deflater);
        }
        output.len()
    });
}

#[divan::bench(args = SIZES, consts = [false, true])]
fn inflate<const TAKEOVER: bool>(bencher: Bencher<'_, '_>, size: usize) {
    let mut pool = Pool::default();
    let messages = messages(size);
    // With takeover the window is put back before each message.
    let history = messages.concat().repeat(32 * 1024 / size / 32 + 1);
    let history: &[u8] = if TAKEOVER {
        &history[history.len().saturating_sub(32 * 1024)..]
    } else {
        &[]
    };
    let compressed: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| {
            let lent = pool.deflater(SETTINGS, usize::MAX);
            let mut deflater = lent.expect("there is no bound");
            let mut output = Vec::new();
            if !history.is_empty() {
                deflater.deflate(history, &mut output);
                output.clear();
            }
            deflater.deflate(message, &mut output);
            output
        })
        .collect();
    let mut turn = compressed.iter().cycle();
    let mut output = vec![0; size + 1];
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let lent = pool.inflater(usize::MAX);
        let mut inflater = lent.expect("there is no bound");
        inflater.restart(&[history]);
        let input = turn.next().expect("it goes round");
        let done = inflater.inflate(input, &mut output).expect("it is DEFLATE");
        pool.take_back_inflater(inflater);
        done.written
    });
}
