//! Masking in place, which is safe code, against copying as many bytes, which
//! is about as fast as memory can be gone through.

use divan::{Bencher, counter::BytesCount};
use longwire_proto::frame;

const LENGTHS: [usize; 3] = [20, 1 << 10, 16 << 10];
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn main() {
    divan::main();
}

#[divan::bench(args = LENGTHS)]
fn mask(bencher: Bencher<'_, '_>, len: usize) {
    let mut payload = vec![7; len];
    bencher.counter(BytesCount::new(len)).bench_local(|| {
        frame::mask(divan::black_box(KEY), 0, divan::black_box(&mut payload));
    });
}

/// In the middle of a frame, at an odd address.
#[divan::bench(args = LENGTHS)]
fn mask_unaligned(bencher: Bencher<'_, '_>, len: usize) {
    let mut payload = vec![7; len + 1];
    bencher.counter(BytesCount::new(len)).bench_local(|| {
        frame::mask(
            divan::black_box(KEY),
            3,
            divan::black_box(&mut payload[1..]),
        );
    });
}

#[divan::bench(args = LENGTHS)]
fn copy(bencher: Bencher<'_, '_>, len: usize) {
    let payload = vec![7; len];
    let mut place = vec![0; len];
    bencher.counter(BytesCount::new(len)).bench_local(|| {
        divan::black_box(&mut place).copy_from_slice(divan::black_box(&payload));
    });
}

/// Byte by byte, as the RFC writes it.
#[divan::bench(args = LENGTHS)]
fn mask_bytewise(bencher: Bencher<'_, '_>, len: usize) {
    let mut payload = vec![7; len];
    bencher.counter(BytesCount::new(len)).bench_local(|| {
        let key = divan::black_box(KEY);
        for (i, byte) in divan::black_box(&mut payload).iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
    });
}
