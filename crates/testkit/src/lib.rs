//! Test tools: real servers as processes, a client, a proxy, scripted peers, the differential runner, the simulator.
//!
//! Everything here works on either server, redis-server or Greylag, so that a test says what both must do and the
//! oracle shows that the test is right.

pub mod client;
pub mod differential;
pub mod fake_primary;
pub mod fake_replica;
pub mod guard;
pub mod hostile;
pub mod log;
pub mod process;
pub mod proxy;
pub mod rdb;
pub mod sim;
pub mod value;
pub mod wait;
