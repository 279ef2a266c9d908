//! Masking (RFC 6455 section 5.3): XOR with a four-byte key, its own inverse.

#[cfg(target_arch = "x86_64")]
mod avx2;

/// Masks or unmasks `payload` in place.
///
/// `offset` is how many bytes of the same frame's payload came before this
/// piece, so that a payload may be worked on in pieces of any size.
///
/// ```
/// let mut payload = *b"\x7f\x9f\x4d\x51\x58";
/// longwire_proto::frame::mask([0x37, 0xfa, 0x21, 0x3d], 0, &mut payload);
/// assert_eq!(&payload, b"Hello"); // RFC 6455 section 5.7
/// ```
pub fn mask(key: [u8; 4], offset: u64, payload: &mut [u8]) {
    let key = rotate(key, offset);
    #[cfg(target_arch = "x86_64")]
    if avx2::mask(key, payload) {
        return;
    }
    mask_blocks::<32>(key, payload);
}

/// Masks blocks of `N` bytes, which wide enough compile to vector instructions,
/// and the rest.
#[inline(always)]
fn mask_blocks<const N: usize>(key: [u8; 4], payload: &mut [u8]) {
    let (blocks, rest) = payload.as_chunks_mut::<N>();
    let block: [u8; N] = repeat(key);
    for bytes in blocks {
        for (byte, key) in bytes.iter_mut().zip(block) {
            *byte ^= key;
        }
    }
    // What is left of a long payload, and most of a short one.
    let (half, rest) = rest.as_chunks_mut::<16>();
    let block = u128::from_ne_bytes(repeat(key));
    for bytes in half {
        *bytes = (u128::from_ne_bytes(*bytes) ^ block).to_ne_bytes();
    }
    let (words, tail) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// The key, over and over.
fn repeat<const N: usize>(key: [u8; 4]) -> [u8; N] {
    let mut block = [0; N];
    for quad in block.as_chunks_mut().0 {
        *quad = key;
    }
    block
}

/// The key as it stands after `offset` bytes.
const fn rotate(key: [u8; 4], offset: u64) -> [u8; 4] {
    // As a number, which the processor turns at once.
    let bits = 8 * (offset % 4) as u32;
    u32::from_le_bytes(key).rotate_right(bits).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_long_payload_is_masked_as_in_short_pieces() {
        const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
        for len in (1000..1100).chain([5_000]) {
            let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let (mut whole, mut cut) = (payload.clone(), payload);
            mask(KEY, 3, &mut whole[1..]);
            for (i, piece) in cut[1..].chunks_mut(5).enumerate() {
                mask(KEY, 3 + 5 * i as u64, piece);
            }
            assert!(whole == cut, "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn is_the_rfcs_formula_at_any_alignment_and_chunking(
            key: [u8; 4],
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            start in 0usize..16,
            pieces in proptest::collection::vec(1usize..80, 1..8),
        ) {
            // j = i MOD 4; transformed-octet-i = original-octet-i XOR masking-key-octet-j
            let expected: Vec<u8> = payload.iter().enumerate()
                .map(|(i, byte)| byte ^ key[i % 4]).collect();

            let mut shifted = alloc::vec![0; start];
            shifted.extend_from_slice(&payload);
            let mut rest = &mut shifted[start..];
            let mut offset = 0;
            for piece in pieces.into_iter().cycle() {
                if rest.is_empty() { break }
                let (head, tail) = rest.split_at_mut(piece.min(rest.len()));
                mask(key, offset, head);
                offset += head.len() as u64;
                rest = tail;
            }
            prop_assert_eq!(&shifted[start..], &expected[..]);
        }
    }
}
