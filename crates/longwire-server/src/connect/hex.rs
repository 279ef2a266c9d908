//! Bytes, for people.

use super::style::Palette;
use std::fmt::Write as _;

const BYTES_PER_LINE: usize = 16;

/// The beginning of `bytes` as lines of 16: offset, hexadecimal, ASCII.
pub(super) fn dump(bytes: &[u8], max: usize, palette: Palette) -> String {
    let mut text = String::new();
    for (at, line) in bytes[..bytes.len().min(max)]
        .chunks(BYTES_PER_LINE)
        .enumerate()
    {
        let mut hex = String::new();
        for (at, byte) in line.iter().enumerate() {
            let gap = if at == BYTES_PER_LINE / 2 { "  " } else { " " };
            // Writing to a string does not fail.
            let _ = write!(hex, "{gap}{byte:02x}");
        }
        let ascii: String = line.iter().map(|&byte| visible(byte)).collect();
        let offset = palette.faint(&format!("{:08x}", at * BYTES_PER_LINE));
        let _ = writeln!(
            text,
            "  {offset} {hex:<49}  {}",
            palette.faint(&format!("|{ascii}|"))
        );
    }
    text
}

fn visible(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}

/// The bytes that hexadecimal digits stand for; blanks and colons between them
/// are skipped.
///
/// # Errors
/// What is wrong.
pub(super) fn parse(text: &str) -> Result<Vec<u8>, String> {
    let digits = text
        .chars()
        .filter(|char| !char.is_whitespace() && *char != ':')
        .map(|char| {
            char.to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
                .ok_or_else(|| format!("{char:?} is no hexadecimal digit"))
        })
        .collect::<Result<Vec<u8>, String>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err("a byte takes two hexadecimal digits, and one is missing".to_owned());
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

/// A size, in the largest unit that shows its first three digits.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 10_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps() {
        let bytes: Vec<u8> = (0x3A..0x4C).collect();
        assert_eq!(
            dump(&bytes, 256, Palette::PLAIN),
            "  00000000  3a 3b 3c 3d 3e 3f 40 41  42 43 44 45 46 47 48 49  |:;<=>?@ABCDEFGHI|\n  \
             00000010  4a 4b                                             |JK|\n"
        );
        assert_eq!(dump(&[0x1B; 500], 256, Palette::PLAIN).lines().count(), 16);
        assert!(!dump(&[0x1B; 500], 256, Palette::PLAIN).contains('\x1b'));
    }

    #[test]
    fn parses() {
        assert_eq!(parse("00 ff:7F"), Ok(vec![0x00, 0xFF, 0x7F]));
        assert_eq!(parse(""), Ok(vec![]));
        assert!(parse("0g").unwrap_err().contains("'g'"));
        assert!(parse("abc").unwrap_err().contains("missing"));
    }

    #[test]
    fn sizes() {
        assert_eq!(size(5), "5 B");
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(65_536), "64.0 KiB");
        assert_eq!(size(16 << 20), "16.0 MiB");
        assert_eq!(size(u64::MAX), "16.0 EiB");
    }
}
