//! The floor of everything that runs on tokio: what comes is sent back, with a
//! task for each connection and a buffer in each task, and no protocol.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{Result, listen::serve_tcp};

/// As most libraries have it. A large message comes in several pieces.
const BUFFER: usize = 4096;

pub(crate) fn echo() -> Result {
    serve_tcp(|mut stream| async move {
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..read]).await?;
        }
    })
}
