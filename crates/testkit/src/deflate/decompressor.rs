use super::{DISTANCES, LENGTHS};
use longwire_proto::extension::{Inflate, Inflated, InvalidDeflate};

/// A decompressor that goes bit by bit.
#[derive(Debug, Default)]
pub struct StrictInflate {
    stream: Stream,
    given: usize,
}

impl Inflate for StrictInflate {
    fn restart(&mut self, history: &[&[u8]]) {
        self.stream = Stream::after(history.concat());
        self.given = self.stream.past.len();
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Inflated, InvalidDeflate> {
        let before = self.stream.input.len();
        self.stream.input.extend_from_slice(input);
        self.stream.run().map_err(|_| InvalidDeflate)?;
        let new = &self.stream.past[self.given..];
        let written = new.len().min(output.len());
        output[..written].copy_from_slice(&new[..written]);
        self.given += written;
        let ended = matches!(self.stream.state, State::Ended);
        let read = if ended {
            self.stream.at.div_ceil(8) - before
        } else {
            input.len()
        };
        self.stream.input.truncate(before + read);
        Ok(Inflated {
            read,
            written,
            finished: ended && self.given == self.stream.past.len(),
        })
    }
}

/// What [`decompress`] makes of a stream.
#[derive(Debug, Default)]
pub struct Strictly {
    /// What the input gives, as far as it goes.
    pub output: Vec<u8>,
    /// How far back the furthest match reaches.
    pub furthest: usize,
}

/// Decompresses as much of a stream as there is. `None` if it is not DEFLATE.
pub fn decompress(history: &[u8], input: &[u8]) -> Option<Strictly> {
    let mut stream = Stream::after(history.to_vec());
    stream.input.extend_from_slice(input);
    stream.run().ok()?;
    Some(Strictly {
        output: stream.past.split_off(history.len()),
        furthest: stream.furthest,
    })
}

#[derive(Debug, Default)]
struct Stream {
    input: Vec<u8>,
    /// The next bit.
    at: usize,
    state: State,
    /// The block under way is the last one.
    last: bool,
    /// What can be referred to, and what came of the input after it.
    past: Vec<u8>,
    furthest: usize,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Header,
    Stored {
        left: u16,
    },
    Compressed {
        literals: Code,
        distances: Code,
    },
    Ended,
}

enum Stop {
    Starved,
    Invalid,
}

/// The stream is not DEFLATE.
#[derive(Debug)]
struct Invalid;

impl Stream {
    fn after(past: Vec<u8>) -> Stream {
        Stream {
            past,
            ..Stream::default()
        }
    }

    /// Goes as far as the input does: a step that it cuts is done again when
    /// there is more.
    fn run(&mut self) -> Result<(), Invalid> {
        while !matches!(self.state, State::Ended) {
            let (before, state) = (self.at, std::mem::take(&mut self.state));
            match self.step(&state) {
                Ok(next) => self.state = next.unwrap_or(state),
                Err(Stop::Invalid) => return Err(Invalid),
                Err(Stop::Starved) => {
                    (self.at, self.state) = (before, state);
                    break;
                }
            }
        }
        Ok(())
    }

    /// One header, stored byte, literal or match. What state comes after it, if
    /// it is another one.
    fn step(&mut self, state: &State) -> Result<Option<State>, Stop> {
        match state {
            State::Header => self.header().map(Some),
            State::Stored { left: 0 } => Ok(Some(self.next_block())),
            State::Stored { left } => {
                let byte = self.bits(8)? as u8;
                self.past.push(byte);
                Ok(Some(State::Stored { left: left - 1 }))
            }
            State::Compressed {
                literals,
                distances,
            } => self.symbol(literals, distances),
            State::Ended => Ok(None),
        }
    }

    fn next_block(&self) -> State {
        if self.last {
            State::Ended
        } else {
            State::Header
        }
    }

    fn header(&mut self) -> Result<State, Stop> {
        self.last = self.bits(1)? == 1;
        let (literals, distances) = match self.bits(2)? {
            0 => return self.stored(),
            1 => (Code::new(&fixed_lengths()), Code::new(&[5; 32])),
            2 => self.codes()?,
            _ => return Err(Stop::Invalid),
        };
        Ok(State::Compressed {
            literals,
            distances,
        })
    }

    fn stored(&mut self) -> Result<State, Stop> {
        self.at = self.at.next_multiple_of(8);
        let (left, complement) = (self.bits(16)?, self.bits(16)?);
        if left != !complement {
            return Err(Stop::Invalid);
        }
        Ok(State::Stored { left })
    }

    fn bits(&mut self, count: u8) -> Result<u16, Stop> {
        let mut value = 0;
        for i in 0..count {
            let byte = self.input.get(self.at / 8).ok_or(Stop::Starved)?;
            value |= u16::from(byte >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        Ok(value)
    }

    fn skip(&mut self, bits: usize) -> Result<(), Stop> {
        for _ in 0..bits {
            self.bits(1)?;
        }
        Ok(())
    }

    fn symbol(&mut self, literals: &Code, distances: &Code) -> Result<Option<State>, Stop> {
        let symbol = usize::from(literals.symbol(self)?);
        match symbol {
            0..=255 => self.past.push(symbol as u8),
            256 => return Ok(Some(self.next_block())),
            _ => {
                let &(extra, base) = LENGTHS.get(symbol - 257).ok_or(Stop::Invalid)?;
                let len = base + self.bits(extra)?;
                let code = usize::from(distances.symbol(self)?);
                let &(extra, base) = DISTANCES.get(code).ok_or(Stop::Invalid)?;
                let distance = usize::from(base + self.bits(extra)?);
                self.furthest = self.furthest.max(distance);
                for _ in 0..len {
                    let at = self.past.len().checked_sub(distance);
                    self.past.push(self.past[at.ok_or(Stop::Invalid)?]);
                }
            }
        }
        Ok(None)
    }

    /// The codes of a block with dynamic ones (3.2.7).
    fn codes(&mut self) -> Result<(Code, Code), Stop> {
        const ORDER: [usize; 19] = [
            16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
        ];
        let literals = usize::from(self.bits(5)?) + 257;
        let distances = usize::from(self.bits(5)?) + 1;
        let count = usize::from(self.bits(4)?) + 4;
        // As zlib has it: more symbols than there are, or no end of block, is
        // wrong even if nobody uses them.
        if literals > 286 || distances > 30 {
            return Err(Stop::Invalid);
        }
        let mut lengths = [0; 19];
        for &at in &ORDER[..count] {
            lengths[at] = self.bits(3)? as u8;
        }
        // Without any code zlib takes each bit for no symbol, and misses the end
        // of block when all of them have come.
        if lengths == [0; 19] {
            self.skip(literals + distances)?;
            return Err(Stop::Invalid);
        }
        if !is_complete(&lengths) {
            return Err(Stop::Invalid);
        }
        let code = Code::new(&lengths);
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < literals + distances {
            let (length, times) = match code.symbol(self)? {
                16 => {
                    let &previous = lengths.last().ok_or(Stop::Invalid)?;
                    (previous, 3 + self.bits(2)?)
                }
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length as u8, 1),
            };
            lengths.extend((0..times).map(|_| length));
        }
        if lengths.len() > literals + distances {
            return Err(Stop::Invalid);
        }
        let (literals, distances) = lengths.split_at(literals);
        let is_right = |lengths| is_complete(lengths) || is_single(lengths);
        if literals[256] == 0 || !is_right(literals) || !is_right(distances) {
            return Err(Stop::Invalid);
        }
        Ok((Code::new(literals), Code::new(distances)))
    }
}

fn fixed_lengths() -> Vec<u8> {
    let lengths = [(144, 8), (112, 9), (24, 7), (8, 8)];
    let lengths = lengths.map(|(count, length)| vec![length; count]);
    lengths.concat()
}

/// Whether every bit sequence is a code, and only one.
fn is_complete(lengths: &[u8]) -> bool {
    let used = lengths.iter().filter(|length| **length > 0);
    used.map(|length| 1 << (15 - length)).sum::<u32>() == 1 << 15
}

/// Whether there is no code, or one of one bit: what a block with at most one
/// distance has (3.2.7).
fn is_single(lengths: &[u8]) -> bool {
    let mut used = lengths.iter().filter(|length| **length > 0);
    used.next().is_none_or(|length| *length == 1) && used.next().is_none()
}

/// A Huffman code: the symbols by length, and within that in order (3.2.2).
#[derive(Debug)]
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Code {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16_u8 {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
                symbols.push(symbol as u16);
                counts[usize::from(length)] += 1;
            }
        }
        Code { counts, symbols }
    }

    fn symbol(&self, stream: &mut Stream) -> Result<u16, Stop> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for &count in &self.counts[1..] {
            code |= u32::from(stream.bits(1)?);
            let count = u32::from(count);
            if code < first + count {
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Invalid)
    }
}
