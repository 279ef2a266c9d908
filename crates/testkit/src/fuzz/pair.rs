use super::Source;
use crate::{How, Operation, Schedule};
use longwire_proto::{MessageKind, ReceiveMode, Role};

/// Two of ours back to back do what the bytes say; see [`Schedule::run`] for
/// what must hold.
///
/// # Panics
/// If it does not.
pub fn pair(data: &[u8]) {
    let mut source = Source(data);
    let seed = source.byte().into();
    let mut operations = Vec::new();
    while !source.0.is_empty() && operations.len() < 200 {
        operations.push(operation(&mut source));
    }
    Schedule { seed, operations }.run();
}

fn operation(source: &mut Source<'_>) -> Operation {
    let code = source.byte();
    let by = if code & 0x80 == 0 {
        Role::Client
    } else {
        Role::Server
    };
    let kind = if code & 0x40 == 0 {
        MessageKind::Text
    } else {
        MessageKind::Binary
    };
    match code & 0x0F {
        0..=3 => Operation::Send {
            by,
            how: [How::Ref, How::Owned, How::Prepared][usize::from(code & 0x0F) % 3],
            kind,
            len: length(source),
        },
        4..=6 => Operation::Fragment {
            by,
            kind,
            len: length(source),
            last: code & 0x20 != 0,
        },
        7 => Operation::Ping {
            by,
            len: usize::from(source.byte()) % 126,
        },
        8 => Operation::Pong {
            by,
            len: usize::from(source.byte()) % 126,
        },
        9 => Operation::Close {
            by,
            code: 3000 + source.u16() % 2000,
        },
        10 => Operation::Receive {
            by,
            mode: if code & 0x20 == 0 {
                ReceiveMode::Message
            } else {
                ReceiveMode::Stream
            },
            directly: source.flag(),
        },
        11 | 12 => Operation::Wait {
            millis: source.u16().into(),
        },
        _ => Operation::Step {
            times: usize::from(source.byte() % 16),
        },
    }
}

/// Mostly a short one: the interesting lengths are few.
fn length(source: &mut Source<'_>) -> usize {
    match source.byte() {
        len @ 0..=199 => len.into(),
        len @ 200..=253 => usize::from(len - 200) * 100,
        len => 0x1_0000 - 255 + usize::from(len),
    }
}
