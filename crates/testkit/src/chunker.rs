use crate::Rng;
use proptest::prelude::*;

/// A way to cut a byte stream: pieces of these sizes, over and over.
#[derive(Debug, Clone)]
pub struct Chunker(Vec<usize>);

impl Chunker {
    /// Pieces of `size` bytes.
    pub fn every(size: usize) -> Chunker {
        Chunker(vec![size.max(1)])
    }

    /// No cuts.
    pub fn whole() -> Chunker {
        Chunker::every(usize::MAX)
    }

    /// Any cuts of `len` bytes: mostly small pieces, some large, and at most
    /// some 512, so that a long stream is not all overhead.
    pub fn random(rng: &mut Rng, len: usize) -> Chunker {
        let count = 1 + rng.below(8);
        let least = len / 512;
        let sizes = (0..count).map(|_| match rng.below(4) {
            0 => 1,
            1 => 1 + rng.below(8),
            2 => 1 + rng.below(200),
            _ => 1 + rng.below(40_000),
        });
        Chunker(sizes.map(|size| size + least).collect())
    }

    /// The pieces of `bytes`.
    pub fn split<'a>(&'a self, mut bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut sizes = self.0.iter().cycle();
        std::iter::from_fn(move || {
            let size = *sizes.next()?;
            let (piece, rest) = bytes.split_at(size.min(bytes.len()));
            bytes = rest;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

/// Any cuts, for property tests; they shrink towards none.
pub fn any_chunker() -> impl Strategy<Value = Chunker> {
    let size = prop_oneof![Just(usize::MAX), 1usize..40_000, 1usize..200, 1usize..8];
    proptest::collection::vec(size, 1..8).prop_map(Chunker)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest! {
        #[test]
        fn pieces_make_up_the_whole(bytes: Vec<u8>, chunker in any_chunker(), seed: u64) {
            for chunker in [chunker, Chunker::random(&mut Rng::new(seed), bytes.len())] {
                let pieces: Vec<&[u8]> = chunker.split(&bytes).collect();
                prop_assert!(pieces.iter().all(|piece| !piece.is_empty()));
                prop_assert_eq!(pieces.concat(), &bytes[..]);
            }
        }
    }
}
