use super::{DISTANCES, LENGTHS};
use crate::Rng;
use longwire_proto::extension::{Deflate, DeflateSettings};
use std::collections::HashMap;

/// A compressor that does what no other does: it mixes stored and compressed
/// blocks at random, makes some of them empty, and refers back exactly as far as
/// the window allows.
#[derive(Debug)]
pub struct RandomDeflate {
    rng: Rng,
    settings: DeflateSettings,
    /// All that was ever compressed.
    past: Vec<u8>,
    /// Where three bytes stood last.
    places: HashMap<[u8; 3], usize>,
    bits: Vec<bool>,
}

impl RandomDeflate {
    /// A compressor whose choices a seed makes.
    pub fn new(seed: u64, settings: DeflateSettings) -> RandomDeflate {
        RandomDeflate {
            rng: Rng::new(seed),
            settings,
            past: Vec::new(),
            places: HashMap::new(),
            bits: Vec::new(),
        }
    }

    fn put(&mut self, value: u16, count: u8) {
        self.bits.extend((0..count).map(|i| value >> i & 1 == 1));
    }

    /// Appends a code of the fixed Huffman code, which stands with its highest
    /// bit first.
    fn put_code(&mut self, code: u16, count: u8) {
        self.bits
            .extend((0..count).rev().map(|i| code >> i & 1 == 1));
    }

    fn put_symbol(&mut self, symbol: u16) {
        match symbol {
            0..=143 => self.put_code(0x30 + symbol, 8),
            144..=255 => self.put_code(0x190 + symbol - 144, 9),
            256..=279 => self.put_code(symbol - 256, 7),
            _ => self.put_code(0xC0 + symbol - 280, 8),
        }
    }

    fn stored(&mut self, bytes: &[u8]) {
        self.put(0, 3);
        self.align();
        let len = bytes.len() as u16;
        self.put(len, 16);
        self.put(!len, 16);
        for &byte in bytes {
            self.put(byte.into(), 8);
            self.remember(byte);
        }
    }

    fn align(&mut self) {
        let len = self.bits.len().next_multiple_of(8);
        self.bits.resize(len, false);
    }

    fn compressed(&mut self, mut bytes: &[u8]) {
        self.put(0b010, 3);
        while let Some((&literal, rest)) = bytes.split_first() {
            match self.find(bytes) {
                Some((len, distance)) => {
                    self.put_match(len, distance);
                    for &byte in &bytes[..len] {
                        self.remember(byte);
                    }
                    bytes = &bytes[len..];
                }
                None => {
                    self.put_symbol(literal.into());
                    self.remember(literal);
                    bytes = rest;
                }
            }
        }
        self.put_symbol(256);
    }

    /// A match for the beginning of `bytes`: its length and distance.
    fn find(&mut self, bytes: &[u8]) -> Option<(usize, usize)> {
        let window = 1 << self.settings.window_bits;
        let start = self.past.len();
        // The furthest that is allowed, if it fits; else the latest.
        let furthest = start.checked_sub(window);
        let latest = bytes.first_chunk().and_then(|start| self.places.get(start));
        let candidates = [furthest, latest.copied()];
        candidates.into_iter().flatten().find_map(|at| {
            let same = |&i: &usize| at + i < start && self.past[at + i] == bytes[i];
            let len = (0..bytes.len().min(258)).take_while(same).count();
            (len >= 3 && start - at <= window).then_some((len, start - at))
        })
    }

    fn put_match(&mut self, len: usize, distance: usize) {
        let (len, distance) = (len as u16, distance as u16);
        let code = LENGTHS.iter().rposition(|&(_, base)| base <= len);
        let code = code.expect("a length has a code");
        self.put_symbol(257 + code as u16);
        self.put(len - LENGTHS[code].1, LENGTHS[code].0);
        let code = DISTANCES.iter().rposition(|&(_, base)| base <= distance);
        let code = code.expect("a distance has a code");
        self.put_code(code as u16, 5);
        self.put(distance - DISTANCES[code].1, DISTANCES[code].0);
    }

    fn remember(&mut self, byte: u8) {
        self.past.push(byte);
        if let Some(&key) = self.past.last_chunk() {
            self.places.insert(key, self.past.len() - 3);
        }
    }
}

impl Deflate for RandomDeflate {
    fn settings(&self) -> DeflateSettings {
        self.settings
    }

    fn deflate(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        while !input.is_empty() {
            let most = input.len().min(60_000) + 1;
            let len = (self.rng.next() as usize % (2 * most)).min(most - 1);
            let (block, rest) = input.split_at(len);
            match self.rng.next() % 4 {
                0 => self.stored(block),
                _ => self.compressed(block),
            }
            input = rest;
        }
        self.stored(&[]);
        let bytes = self.bits.chunks(8).map(|bits| {
            let set = bits.iter().enumerate().filter(|(_, set)| **set);
            set.fold(0, |byte, (i, _)| byte | 1 << i)
        });
        output.extend(bytes);
        self.bits.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::decompress;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_it_compresses_is_decompressed(
            seed: u64,
            window_bits in 8_u8..=15,
            messages in proptest::collection::vec(proptest::collection::vec(0_u8..4, 1..600), 1..6),
        ) {
            let mut deflate = RandomDeflate::new(seed, DeflateSettings { window_bits, level: 1 });
            let mut output = Vec::new();
            for message in &messages {
                deflate.deflate(message, &mut output);
                prop_assert!(output.ends_with(&[0x00, 0x00, 0xff, 0xff]));
            }
            let done = decompress(&[], &output).expect("it is DEFLATE");
            prop_assert_eq!(done.output, messages.concat());
            prop_assert!(done.furthest <= 1 << window_bits);
        }
    }
}
