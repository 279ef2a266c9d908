//! Linux: rtnetlink tells of addresses and routes that come and go.
//!
//! What exactly has changed is not read: whoever is told looks at what concerns
//! him. So one kind of message is as good as another, and none is parsed.

use crate::{
    first::{First, first},
    keeper::lock,
};
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket,
};
use std::{
    collections::HashMap,
    io,
    os::fd::AsRawFd as _,
    sync::{Arc, Mutex, Weak},
};
use tokio::{net::UnixDatagram, runtime, sync::watch};

/// Those who listen on a runtime share a socket and a task.
static LISTENERS: Mutex<Option<HashMap<runtime::Id, Weak<watch::Sender<()>>>>> = Mutex::new(None);

/// Addresses and routes of IPv4 and IPv6. Not links: a wireless one tells of
/// itself at every scan.
const GROUPS: i32 = libc::RTMGRP_IPV4_IFADDR
    | libc::RTMGRP_IPV4_ROUTE
    | libc::RTMGRP_IPV6_IFADDR
    | libc::RTMGRP_IPV6_ROUTE;

/// Is told of changes from now on.
pub(super) fn subscribe() -> io::Result<watch::Receiver<()>> {
    let runtime = runtime::Handle::current();
    let mut listeners = lock(&LISTENERS);
    let listeners = listeners.get_or_insert_default();
    if let Some(sender) = listeners.get(&runtime.id()).and_then(Weak::upgrade) {
        return Ok(sender.subscribe());
    }
    listeners.retain(|_, sender| sender.strong_count() > 0);
    let socket = listen()?;
    let (sender, changes) = watch::channel(());
    let sender = Arc::new(sender);
    listeners.insert(runtime.id(), Arc::downgrade(&sender));
    runtime.spawn(tell(socket, sender));
    Ok(changes)
}

/// A socket that gets what the kernel tells of.
///
/// tokio reads datagrams of any family by its type for Unix sockets, which can be
/// had of a descriptor without unsafe code.
fn listen() -> io::Result<UnixDatagram> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS as u32))?;
    UnixDatagram::from_std(socket.into())
}

/// Tells of changes as long as somebody listens.
async fn tell(socket: UnixDatagram, sender: Arc<watch::Sender<()>>) {
    loop {
        match first(sender.closed(), change(&socket)).await {
            First::Other(Ok(())) => {
                sender.send_replace(());
            }
            First::Other(Err(error)) => {
                tracing::debug!(%error, "changes of the network are not told any more");
                return;
            }
            First::One(()) => {
                // Nobody can come to listen meanwhile.
                let _listeners = lock(&LISTENERS);
                if sender.receiver_count() == 0 {
                    drop(sender);
                    return;
                }
            }
        }
    }
}

/// Waits for a change.
async fn change(socket: &UnixDatagram) -> io::Result<()> {
    // A longer message is cut, and told of all the same.
    match socket.recv(&mut [0; 256]).await {
        // More than there was room for: then there was something.
        Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(()),
        read => read.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_on_a_runtime_share_a_socket_which_goes_with_the_last() {
        let id = runtime::Handle::current().id();
        let known = || lock(&LISTENERS).as_ref()?.get(&id)?.upgrade();
        let (one, other) = (subscribe().unwrap(), subscribe().unwrap());
        assert_eq!(known().unwrap().receiver_count(), 2);
        drop((one, other));
        while known().is_some() {
            tokio::task::yield_now().await;
        }
        let again = subscribe().unwrap();
        assert_eq!(known().unwrap().receiver_count(), 1);
        drop(again);
    }
}
