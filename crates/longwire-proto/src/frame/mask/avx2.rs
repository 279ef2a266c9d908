//! Masking with vectors of 32 bytes, which nearly every x86-64 processor has, but
//! which a program that is built for all of them does not use by itself.
//!
//! `unsafe` is the call of a function that is compiled for such processors; what
//! it does is safe code, the same as for all others.
#![allow(unsafe_code)]

cpufeatures::new!(avx2, "avx2");

/// Below this length the wider vectors gain nothing.
const FROM: usize = 1024;

/// Masks a long payload, if the processor can; says whether it did.
#[inline]
pub(super) fn mask(key: [u8; 4], payload: &mut [u8]) -> bool {
    if payload.len() < FROM || !avx2::get() {
        return false;
    }
    // SAFETY: the processor has AVX2, and the system keeps its registers.
    unsafe { mask_wide(key, payload) };
    true
}

#[target_feature(enable = "avx2")]
fn mask_wide(key: [u8; 4], payload: &mut [u8]) {
    super::mask_blocks::<64>(key, payload);
}
