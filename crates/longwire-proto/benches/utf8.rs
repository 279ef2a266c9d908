//! What the one `unsafe` in `src/utf8.rs` buys: text validated once, as it
//! arrives, against once more when the assembled message is handed out.
//!
//! `pieces` is that alone: 16 KiB pieces, as a driver reads them. `connection`
//! is the whole way of a masked message through a connection.

use divan::{Bencher, counter::BytesCount};
use longwire_proto::{
    Config, Connection, Env, Event, Input, Instant, NoMaskKeys, Output, Role, Utf8Validator,
    extension::NoCodecs,
};
use testkit::RawFrame;

const LENGTHS: [usize; 3] = [1 << 10, 64 << 10, 1 << 20];
const READ: usize = 16 << 10;

fn main() {
    divan::main();
}

/// Latin letters, as in JSON.
fn ascii(len: usize) -> Vec<u8> {
    b"{\"name\": \"value\", "[..].repeat(len / 18 + 1)[..len].to_vec()
}

/// Two, three and four bytes to the character.
fn wide(len: usize) -> Vec<u8> {
    let mut text = "жизнь 日本語 😀 ".repeat(len / 27);
    text.extend(std::iter::repeat_n(' ', len - text.len()));
    text.into_bytes()
}

/// A name, and text of a given length.
type Text = (&'static str, fn(usize) -> Vec<u8>);

const TEXTS: [Text; 2] = [("ascii", ascii), ("wide", wide)];

fn cases() -> impl Iterator<Item = Case> {
    TEXTS
        .into_iter()
        .flat_map(|(name, text)| LENGTHS.map(move |len| Case { name, len, text }))
}

struct Case {
    name: &'static str,
    len: usize,
    text: fn(usize) -> Vec<u8>,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} KiB", self.name, self.len >> 10)
    }
}

fn validate(text: &[u8]) -> bool {
    let mut validator = Utf8Validator::new();
    text.chunks(READ).all(|piece| validator.push(piece).is_ok()) && validator.is_complete()
}

mod pieces {
    use super::*;

    #[divan::bench(args = cases())]
    fn once(bencher: Bencher<'_, '_>, case: &Case) {
        let text = (case.text)(case.len);
        bencher.counter(BytesCount::new(case.len)).bench(|| {
            assert!(validate(divan::black_box(&text)));
        });
    }

    #[divan::bench(args = cases())]
    fn twice(bencher: Bencher<'_, '_>, case: &Case) {
        let text = (case.text)(case.len);
        bencher.counter(BytesCount::new(case.len)).bench(|| {
            assert!(validate(divan::black_box(&text)));
            assert!(std::str::from_utf8(divan::black_box(&text)).is_ok());
        });
    }
}

mod connection {
    use super::*;

    /// Receives `read`, a masked text message, in pieces; the text.
    fn receive(read: &mut [u8]) -> String {
        let mut connection =
            Connection::new(Role::Server, Config::server().into(), Instant::default());
        let mut output = Output::new();
        let mut env = Env {
            now: Instant::default(),
            output: &mut output,
            mask_keys: &mut NoMaskKeys,
            codecs: &mut NoCodecs,
        };
        // Cut inside the header, so that a short message is assembled too.
        let (header, rest) = read.split_at_mut(1);
        assert!(
            connection
                .next_event(&mut env, &mut Input::new(header))
                .is_none()
        );
        for piece in rest.chunks_mut(READ) {
            if let Some(Event::Text(text)) = connection.next_event(&mut env, &mut Input::new(piece))
            {
                return text.into_owned();
            }
        }
        unreachable!("the message is whole");
    }

    fn bench(bencher: Bencher<'_, '_>, case: &Case, hand_out: impl Fn(String) -> String + Sync) {
        let frame = RawFrame::text((case.text)(case.len))
            .sent_by(Role::Client)
            .to_bytes();
        bencher
            .counter(BytesCount::new(case.len))
            .with_inputs(|| frame.clone())
            .bench_values(|mut read| hand_out(receive(&mut read)));
    }

    #[divan::bench(args = cases())]
    fn once(bencher: Bencher<'_, '_>, case: &Case) {
        bench(bencher, case, |text| text);
    }

    #[divan::bench(args = cases())]
    fn twice(bencher: Bencher<'_, '_>, case: &Case) {
        bench(bencher, case, |text| {
            String::from_utf8(divan::black_box(text.into_bytes())).expect("it was validated")
        });
    }
}
