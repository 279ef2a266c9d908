use super::*;
use crate::{Opcode, ProtocolError, Role};
use alloc::vec::Vec;
use proptest::prelude::*;

const FROM_SERVER: Expected = Expected {
    role: Role::Client,
    rsv: Rsv::NONE,
    in_message: false,
};
const FROM_CLIENT: Expected = Expected {
    role: Role::Server,
    ..FROM_SERVER
};
const IN_MESSAGE: Expected = Expected {
    in_message: true,
    ..FROM_SERVER
};

fn header(opcode: Opcode, payload_len: u64) -> FrameHeader {
    FrameHeader {
        fin: true,
        rsv: Rsv::NONE,
        opcode,
        mask: None,
        payload_len,
    }
}

#[test]
fn examples_of_rfc_6455_section_5_7() {
    let cases: [(&[u8], FrameHeader, Expected); 6] = [
        (b"\x81\x05", header(Opcode::Text, 5), FROM_SERVER),
        (
            b"\x81\x85\x37\xfa\x21\x3d",
            FrameHeader {
                mask: Some([0x37, 0xfa, 0x21, 0x3d]),
                ..header(Opcode::Text, 5)
            },
            FROM_CLIENT,
        ),
        (
            b"\x01\x03",
            FrameHeader {
                fin: false,
                ..header(Opcode::Text, 3)
            },
            FROM_SERVER,
        ),
        (b"\x80\x02", header(Opcode::Continuation, 2), IN_MESSAGE),
        (
            b"\x82\x7e\x01\x00",
            header(Opcode::Binary, 256),
            FROM_SERVER,
        ),
        (
            b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
            header(Opcode::Binary, 65536),
            FROM_SERVER,
        ),
    ];
    for (bytes, header, expected) in cases {
        assert_eq!(header.encode().as_bytes(), bytes);
        assert_eq!(
            FrameHeader::decode(bytes, expected),
            Ok(Some((header, bytes.len())))
        );
    }
}

#[test]
fn every_length_form_at_its_edges() {
    for (len, bytes) in [
        (0, &b"\x82\x00"[..]),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65535, b"\x82\x7e\xff\xff"),
        (65536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        (i64::MAX as u64, b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"),
    ] {
        assert_eq!(header(Opcode::Binary, len).encode().as_bytes(), bytes);
        let decoded = FrameHeader::decode(bytes, FROM_SERVER).unwrap().unwrap();
        assert_eq!(decoded, (header(Opcode::Binary, len), bytes.len()));
    }
}

#[test]
fn each_broken_rule_has_its_error() {
    use ProtocolError::*;
    let cases: [(&[u8], Expected, ProtocolError); 20] = [
        (b"\xc1\x00", FROM_SERVER, ReservedBits),
        (b"\xa1\x00", FROM_SERVER, ReservedBits),
        (b"\x91\x00", FROM_SERVER, ReservedBits),
        (b"\x83\x00", FROM_SERVER, ReservedOpcode(0x3)),
        (b"\x87\x00", FROM_SERVER, ReservedOpcode(0x7)),
        (b"\x8b\x00", FROM_SERVER, ReservedOpcode(0xB)),
        (b"\x8f\x00", FROM_SERVER, ReservedOpcode(0xF)),
        (b"\x81\x05", FROM_CLIENT, UnmaskedFrame),
        (b"\x81\x85", FROM_SERVER, MaskedFrame),
        (b"\x09\x00", FROM_SERVER, FragmentedControl),
        (b"\x08\x00", FROM_SERVER, FragmentedControl),
        (b"\x89\x7e", FROM_SERVER, OversizedControl),
        (b"\x8a\x7f", FROM_SERVER, OversizedControl),
        (b"\x88\x7e", FROM_SERVER, OversizedControl),
        (b"\x80\x00", FROM_SERVER, UnexpectedContinuation),
        (b"\x81\x00", IN_MESSAGE, ExpectedContinuation),
        (b"\x02\x00", IN_MESSAGE, ExpectedContinuation),
        (b"\x82\x7e\x00\x7d", FROM_SERVER, NonMinimalLength),
        (
            b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
            FROM_SERVER,
            NonMinimalLength,
        ),
        (
            b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
            FROM_SERVER,
            LengthOutOfRange,
        ),
    ];
    for (bytes, expected, error) in cases {
        assert_eq!(FrameHeader::decode(bytes, expected), Err(error));
    }
}

#[test]
fn a_negotiated_extension_allows_its_bits_and_no_others() {
    let expected = Expected {
        rsv: Rsv::RSV1,
        ..FROM_SERVER
    };
    let (decoded, _) = FrameHeader::decode(b"\xc1\x00", expected).unwrap().unwrap();
    assert_eq!(decoded.rsv, Rsv::RSV1);
    assert_eq!(
        FrameHeader::decode(b"\xe1\x00", expected),
        Err(ProtocolError::ReservedBits)
    );
}

fn any_header() -> impl Strategy<Value = (FrameHeader, Expected)> {
    let opcode = prop_oneof![
        Just(Opcode::Continuation),
        Just(Opcode::Text),
        Just(Opcode::Binary),
        Just(Opcode::Close),
        Just(Opcode::Ping),
        Just(Opcode::Pong),
    ];
    let len = prop_oneof![0u64..200, 60000u64..70000, 0..=i64::MAX as u64];
    (opcode, len, any::<bool>(), any::<Option<[u8; 4]>>()).prop_map(|(opcode, len, fin, mask)| {
        let control = opcode.is_control();
        let header = FrameHeader {
            fin: fin || control,
            rsv: Rsv::NONE,
            opcode,
            mask,
            payload_len: if control { len % 126 } else { len },
        };
        let expected = Expected {
            role: if mask.is_some() {
                Role::Server
            } else {
                Role::Client
            },
            rsv: Rsv::NONE,
            in_message: opcode == Opcode::Continuation,
        };
        (header, expected)
    })
}

proptest! {
    #[test]
    fn decode_is_the_inverse_of_encode((header, expected) in any_header(), rest: Vec<u8>) {
        let encoded = header.encode();
        let mut bytes = encoded.as_bytes().to_vec();
        bytes.extend(rest);
        prop_assert_eq!(
            FrameHeader::decode(&bytes, expected),
            Ok(Some((header, encoded.as_bytes().len())))
        );
        for len in 0..encoded.as_bytes().len() {
            prop_assert_eq!(FrameHeader::decode(&bytes[..len], expected), Ok(None));
        }
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(bytes: [u8; 14], role: bool, in_message: bool) {
        let expected = Expected {
            role: if role { Role::Client } else { Role::Server },
            rsv: Rsv::NONE,
            in_message,
        };
        if let Ok(Some((header, len))) = FrameHeader::decode(&bytes, expected) {
            let encoded = header.encode();
            prop_assert_eq!(encoded.as_bytes(), &bytes[..len]);
        }
    }
}
