//! The payload of a full sync on its way in: into a file that is loaded once it is complete, or straight into the
//! loader (repl-diskless-load).
//!
//! Either way it becomes a staging data set beside the one that is served. A file takes the place of dbfilename
//! only when all of it was loaded, so a transfer that is cut, or is corrupt, leaves the old file and the old data.

use crate::loading::{Loader, Origins};
use crate::server::Server;
use crate::sys;
use engine::load::Staging;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

/// Read from the file, and given to the loader, at once: the primary is told that we live between two of them.
const LOAD_BYTES: usize = 256 * 1024;
/// Written bytes that are brought to the disk while the transfer runs, so that the end does not wait for all.
const SYNC_BYTES: u64 = 8 * 1024 * 1024;

pub struct Transfer {
    server: &'static Server,
    sink: Sink,
}

enum Sink {
    Disk { file: File, path: PathBuf, unsynced: u64 },
    Memory(Box<Loader<'static>>),
}

/// What a transfer loaded.
pub struct Loaded {
    pub staging: Staging,
    pub origins: Origins,
}

impl Transfer {
    pub fn to_disk(server: &'static Server) -> Result<Self, String> {
        let seconds = server.clock.unix_ms() / 1000;
        let path = PathBuf::from(format!("temp-{seconds}.{}.rdb", std::process::id()));
        let file = File::create_new(&path).map_err(|error| {
            format!(
                "Opening the temp file needed for MASTER <-> REPLICA synchronization: {}",
                sys::error_text(&error)
            )
        })?;
        *server.replication.receiving.lock() = Some(path.clone());
        Ok(Self { server, sink: Sink::Disk { file, path, unsynced: 0 } })
    }

    pub fn to_memory(server: &'static Server) -> Self {
        Self { server, sink: Sink::Memory(Box::new(Loader::new(server, None))) }
    }

    /// Takes in more bytes of the payload.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        match &mut self.sink {
            Sink::Memory(loader) => loader.feed(bytes),
            Sink::Disk { file, unsynced, .. } => {
                let failed = |error: std::io::Error| {
                    let why = sys::error_text(&error);
                    format!(
                        "Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization: {why}"
                    )
                };
                file.write_all(bytes).map_err(failed)?;
                *unsynced += bytes.len() as u64;
                if SYNC_BYTES <= *unsynced {
                    *unsynced = 0;
                    file.sync_data().map_err(failed)?;
                }
                Ok(())
            }
        }
    }

    /// The payload is complete: loads what is not loaded yet. `alive` is called now and then.
    pub fn finish(mut self, mut alive: impl FnMut()) -> Result<Loaded, String> {
        let loader = match &mut self.sink {
            Sink::Memory(loader) => {
                loader.finish()?;
                std::mem::replace(loader, Box::new(Loader::new(self.server, None)))
            }
            Sink::Disk { file, path, .. } => {
                let loader = load_file(self.server, file, path, &mut alive)?;
                let target = self.server.dump_path();
                let moved = std::fs::rename(&*path, &target).and_then(|()| sys::sync_dir(&target));
                moved.map_err(|error| {
                    format!(
                        "Failed trying to rename the temp DB into {} in MASTER <-> REPLICA synchronization: {}",
                        target.display(),
                        sys::error_text(&error)
                    )
                })?;
                Box::new(loader)
            }
        };
        let Loader { staging, origins, .. } = *loader;
        Ok(Loaded { staging, origins })
    }
}

fn load_file(
    server: &'static Server,
    file: &mut File,
    path: &PathBuf,
    alive: &mut impl FnMut(),
) -> Result<Loader<'static>, String> {
    let failed =
        |error: std::io::Error| format!("Can't read {}: {}", path.display(), sys::error_text(&error));
    file.sync_all().map_err(failed)?;
    let mut file = File::open(path).map_err(failed)?;
    let mut loader = Loader::new(server, None);
    let mut chunk = vec![0; LOAD_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => loader.feed(&chunk[..n])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
        alive();
    }
    loader.finish()?;
    Ok(loader)
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Sink::Disk { path, .. } = &self.sink {
            self.server.replication.receiving.lock().take();
            let _ = std::fs::remove_file(path); // renamed already if it was complete
        }
    }
}
