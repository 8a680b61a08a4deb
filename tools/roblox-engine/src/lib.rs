//! A strict fake of Roblox's engine in virtual time.
//!
//! A [`Universe`] is one experience: its places' ban lists, `MemoryStoreService`, `MessagingService`,
//! `DataStoreService`, `ConfigService` and any number of [`Server`]s, each a Luau machine with
//! players. Everything that takes time takes virtual time, so hours pass in seconds, and the same
//! seed gives the same run. `HttpService` sends its calls through a [`Network`], which a test
//! connects to the real API.
//!
//! Where Roblox's documentation leaves a behaviour open, the fake does what is harder for a script.
//!
//! ```ignore
//! let universe = Universe::new(1, network);
//! let server = universe.start(PLACE);
//! server.run("server", "game:GetService('Players').PlayerAdded:Connect(print)");
//! server.join(156);
//! universe.run_for(Duration::from_secs(3600));
//! assert_eq!(universe.errors(), [""; 0]);
//! ```

mod bridge;
mod budget;
pub mod json;
mod modules;
mod network;
mod object;
mod players;
mod schedule;
mod server;
mod services;
mod stays;
mod threads;
mod universe;
mod values;

pub use network::{Fault, Network, Outgoing, Request, Response, Tally};
pub use server::{Mode, Server};
pub use services::bans::Listed;
pub use services::memory_store::MemoryFault;
pub use stays::{End, Stay};
pub use threads::Running;
pub use universe::Universe;

pub use mlua;
