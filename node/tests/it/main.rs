//! The node from outside: real TLS on loopback, the real services, and a replica on paper behind
//! them, so that nothing here needs threads, disks or time to pass.

mod audit;
mod calls;
mod door;
mod notices;
mod paper;
mod phone;
mod pki;
mod port;
mod roles;
mod telemetry;
mod tls;
