use super::*;
use crate::{NoMaskKeys, Output, extension::NoCodecs};

#[test]
fn an_idle_connection_is_small() {
    // Each of a million idle connections holds this, and nothing on the heap.
    assert!(
        size_of::<Connection>() <= 104,
        "{}",
        size_of::<Connection>()
    );
}

#[test]
fn a_server_answers_the_rfcs_masked_hello() {
    let mut connection = Connection::new(Role::Server, Config::server().into(), Instant::default());
    let mut output = Output::new();
    let mut env = Env {
        now: Instant::default(),
        output: &mut output,
        mask_keys: &mut NoMaskKeys,
        codecs: &mut NoCodecs,
    };
    let mut read = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let event = connection.next_event(&mut env, &mut Input::new(&mut read));
    assert_eq!(event, Some(Event::Text("Hello".into())));
}
