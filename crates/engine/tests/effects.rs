//! Effects in the log, where commands of the server run among data commands.

use engine::{Engine, Origin, Scratch};
use resp::{OwnedArgs, Proto, Reply, push_command};

/// A command of the server inside EXEC that changes nothing leaves nothing in the log, whatever ran before it.
#[test]
fn a_command_that_changes_nothing_is_not_logged_after_one_that_does() {
    let engine = Engine::new(4, 16, 1);
    engine.log.activate();
    let start = engine.log.end().0;
    let mut scratch = Scratch::new(1);
    let set = OwnedArgs::from_slices(&[b"SET", b"k", b"v"]);
    let info = OwnedArgs::from_slices(&[b"INFO"]);
    let mut txn = engine.begin(&mut scratch, engine.all_locks(), 1, 0, Origin::Client);
    let mut out = Vec::new();
    let row = engine::commands::find(b"set").expect("SET is a command");
    txn.call(row, set.as_args(), &mut Reply::new(&mut out, Proto::Resp2)).expect("SET succeeds");
    txn.end_command(info.as_args());
    txn.commit();
    let mut wanted = Vec::new();
    push_command(&mut wanted, &[b"SELECT", b"0"]);
    push_command(&mut wanted, &[b"SET", b"k", b"v"]);
    assert_eq!(engine.log.end().0 - start, wanted.len() as u64);
}
