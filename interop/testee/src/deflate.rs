//! Our DEFLATE engine, for another one to be held against: each line of input
//! is a request, and gets a line for an answer.
//!
//! ```text
//! deflate BITS LEVEL HEX...     messages, each to be compressed after those before
//! inflate HEX...                compressed messages, which may refer to those before
//! ```

use crate::Result;
use longwire::{
    deflate::{ZlibDeflate, ZlibInflate},
    proto::extension::{Deflate, DeflateSettings, Inflate},
};
use std::io::{BufRead, Write};

pub(crate) fn run() -> Result {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let answers = match &words[..] {
            ["deflate", bits, level, messages @ ..] => {
                let settings = DeflateSettings {
                    window_bits: bits.parse()?,
                    level: level.parse()?,
                };
                deflate(settings, messages)?
            }
            ["inflate", messages @ ..] => inflate(messages)?,
            _ => return Err(format!("no request: {line}").into()),
        };
        writeln!(output, "{}", answers.join(" "))?;
        output.flush()?;
    }
    Ok(())
}

fn deflate(settings: DeflateSettings, messages: &[&str]) -> Result<Vec<String>> {
    let mut deflater = ZlibDeflate::new(settings);
    let compress = |message: &&str| {
        let mut compressed = Vec::new();
        deflater.deflate(&bytes(message)?, &mut compressed);
        Ok(hex(&compressed))
    };
    messages.iter().map(compress).collect()
}

/// With the window taken away and put back between messages, as the core does.
fn inflate(messages: &[&str]) -> Result<Vec<String>> {
    let mut inflater = ZlibInflate::new();
    let mut history = Vec::new();
    let mut answers = Vec::new();
    for message in messages {
        let mut input = &bytes(message)?[..];
        let mut output = Vec::new();
        let mut piece = [0; 1000];
        inflater.restart(&[&history]);
        loop {
            let step = inflater.inflate(input, &mut piece);
            let step = step.map_err(|_| "this is no DEFLATE")?;
            output.extend_from_slice(&piece[..step.written]);
            input = &input[step.read..];
            if step.finished {
                inflater.restart(&[&history, &output]);
            } else if step.written < piece.len() {
                break;
            }
        }
        history.extend_from_slice(&output);
        answers.push(hex(&output));
    }
    Ok(answers)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    digits.map(byte).collect()
}
