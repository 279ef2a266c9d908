//! Compression of JSON messages: the engines alone, each as its library drives
//! it, with level 1 and windows of 32 KiB.
//! `cargo bench --manifest-path bench/Cargo.toml --bench deflate`.
//!
//! yawc's compressors are private to it.

use divan::{Bencher, counter::BytesCount};
use longwire::{
    deflate::Pool,
    proto::extension::{Codecs, Deflate, DeflateSettings},
};
use sockudo_ws::{
    DeflateWindowBits,
    deflate::{DeflateDecoder, DeflateEncoder},
};

fn main() {
    divan::main();
}

const SIZES: [usize; 4] = [128, 1024, 16 * 1024, 64 * 1024];
const WINDOW: usize = 32 * 1024;
const LEVEL: u8 = 1;
const TAIL: usize = 4;

/// Takes messages in their order, over and over.
trait Engine {
    fn new(takeover: bool) -> Self;

    /// The length of the message compressed.
    fn deflate(&mut self, message: &[u8]) -> usize;

    /// The length of the message decompressed, which comes after `before`.
    fn inflate(&mut self, before: &[u8], compressed: &[u8], room: usize) -> usize;
}

#[derive(Default)]
struct Longwire {
    pool: Pool,
    takeover: bool,
    kept: Option<Box<dyn Deflate>>,
    output: Vec<u8>,
}

impl Engine for Longwire {
    fn new(takeover: bool) -> Self {
        Longwire {
            takeover,
            ..Longwire::default()
        }
    }

    fn deflate(&mut self, message: &[u8]) -> usize {
        let settings = DeflateSettings {
            window_bits: 15,
            level: LEVEL,
        };
        let lent = self.kept.take();
        let lent = lent.or_else(|| self.pool.deflater(settings, usize::MAX));
        let mut deflater = lent.expect("there is no bound");
        self.output.clear();
        deflater.deflate(message, &mut self.output);
        if self.takeover {
            self.kept = Some(deflater);
        } else {
            self.pool.take_back_deflater(deflater);
        }
        self.output.len() - TAIL
    }

    /// A decompressor is lent for each message: of the window its text is kept.
    fn inflate(&mut self, before: &[u8], compressed: &[u8], room: usize) -> usize {
        let lent = self.pool.inflater(usize::MAX);
        let mut inflater = lent.expect("there is no bound");
        inflater.restart(&[if self.takeover { before } else { &[] }]);
        self.output.resize(room + 1, 0);
        let done = inflater.inflate(compressed, &mut self.output);
        self.pool.take_back_inflater(inflater);
        done.expect("it is DEFLATE").written
    }
}

struct Sockudo {
    encoder: DeflateEncoder,
    decoder: DeflateDecoder,
}

impl Engine for Sockudo {
    fn new(takeover: bool) -> Self {
        let bits = DeflateWindowBits::Bits15;
        Sockudo {
            encoder: DeflateEncoder::new(bits, !takeover, LEVEL.into(), 0),
            decoder: DeflateDecoder::new(bits, !takeover),
        }
    }

    fn deflate(&mut self, message: &[u8]) -> usize {
        let compressed = self.encoder.compress(message).expect("it can be");
        compressed.expect("it becomes shorter").len()
    }

    /// Its decoder keeps its own window, and adds the tail.
    fn inflate(&mut self, _: &[u8], compressed: &[u8], room: usize) -> usize {
        let compressed = &compressed[..compressed.len() - TAIL];
        let message = self.decoder.decompress(compressed, room);
        message.expect("it is DEFLATE").len()
    }
}

#[divan::bench(types = [Longwire, Sockudo], args = SIZES)]
fn deflate<E: Engine>(bencher: Bencher<'_, '_>, size: usize) {
    deflate_with::<E>(bencher, size, false);
}

#[divan::bench(types = [Longwire, Sockudo], args = SIZES)]
fn deflate_takeover<E: Engine>(bencher: Bencher<'_, '_>, size: usize) {
    deflate_with::<E>(bencher, size, true);
}

fn deflate_with<E: Engine>(bencher: Bencher<'_, '_>, size: usize, takeover: bool) {
    let messages = messages(size);
    let mut engine = E::new(takeover);
    let mut turn = messages.iter().cycle();
    bencher
        .counter(BytesCount::new(size))
        .bench_local(|| engine.deflate(turn.next().expect("it goes round")));
}

#[divan::bench(types = [Longwire, Sockudo], args = SIZES)]
fn inflate<E: Engine>(bencher: Bencher<'_, '_>, size: usize) {
    inflate_with::<E>(bencher, size, false);
}

#[divan::bench(types = [Longwire, Sockudo], args = SIZES)]
fn inflate_takeover<E: Engine>(bencher: Bencher<'_, '_>, size: usize) {
    inflate_with::<E>(bencher, size, true);
}

fn inflate_with<E: Engine>(bencher: Bencher<'_, '_>, size: usize, takeover: bool) {
    let messages = messages(size);
    // Of a second round each message has all of its window before it.
    let text = messages
        .concat()
        .repeat(2 + WINDOW / (size * messages.len()));
    let compressed = compressed(&messages, takeover);
    let mut engine = E::new(takeover);
    let mut turn = (0..messages.len()).cycle();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let at = turn.next().expect("it goes round");
        let end = text.len() - (messages.len() - at) * size;
        let before = &text[end.saturating_sub(WINDOW)..end];
        let written = engine.inflate(before, &compressed[at], size);
        assert_eq!(written, size);
    });
}

fn compressed(messages: &[Vec<u8>], takeover: bool) -> Vec<Vec<u8>> {
    let mut engine = Longwire::new(takeover);
    let compress = |message: &Vec<u8>| {
        engine.deflate(message);
        engine.output.clone()
    };
    messages.iter().map(compress).collect()
}

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
