//! Where a webhook may go: the URL, and the addresses behind its name.
//!
//! The URL comes from a person, the name's addresses from whoever answers for it. A process beside
//! the cluster must not be talked into asking the machines around it, so every address is looked at
//! before a connection is made, and the connection goes to that very address: the name is not looked
//! up again. Names such as `localhost`, `127.1` or `0x7f000001` need no rule of their own, since
//! what counts is what they turn into.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;

use super::send::Failure;
use crate::error::Error;

/// Most characters of a URL.
const URL_CHARACTERS_MAX: usize = 2_048;

/// A URL taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// What the `Host` header says.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Target {
    /// Reads `https://host[:port]/path`; `http` only where it is allowed.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] says what is wrong.
    pub fn parse(url: &str, allow_http: bool) -> Result<Self, Error> {
        let bad = |what: &str| Error::usage(format!("url: {what}"));
        if url.len() > URL_CHARACTERS_MAX {
            return Err(bad("longer than 2,048 characters"));
        }
        if url.contains('#') {
            return Err(bad("a fragment goes nowhere"));
        }
        let uri: Uri = url.parse().map_err(|_none| bad("not a URL"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if allow_http => false,
            Some("http") => {
                return Err(bad(
                    "plain http: use https, or --allow-http on a test machine",
                ));
            }
            Some(_) | None => return Err(bad("it must begin with https://")),
        };
        let authority = uri.authority().ok_or_else(|| bad("no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("credentials do not belong into a URL"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = match authority.port_u16() {
            Some(0) => return Err(bad("port 0")),
            Some(port) => port,
            // A colon with nothing behind it that is a port.
            None if authority.as_str() != authority.host() => {
                return Err(bad("the port is not a number up to 65,535"));
            }
            None if tls => 443,
            None => 80,
        };
        if host.is_empty() {
            return Err(bad("no host"));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            tls,
            host,
            port,
            authority: authority.as_str().to_owned(),
            path: path.to_owned(),
        })
    }

    /// Looks the name up, once. Without `allow_private` no address may be one that only this machine
    /// or its network reaches; a name with one such address is refused as a whole.
    pub(super) async fn resolve(&self, allow_private: bool) -> Result<Vec<SocketAddr>, Failure> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|_unknown| Failure::NoSuchHost)?;
        let addresses: Vec<SocketAddr> = found.collect();
        if addresses.is_empty() {
            return Err(Failure::NoSuchHost);
        }
        if !allow_private
            && let Some(why) = addresses.iter().find_map(|address| refused(address.ip()))
        {
            return Err(Failure::AddressRefused(why));
        }
        Ok(addresses)
    }
}

/// Why an address is not of the public internet; nothing if it is.
///
/// # Sources
///
/// IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190).
#[must_use]
pub fn refused(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => refused_v4(v4),
        IpAddr::V6(v6) => refused_v6(v6),
    }
}

const fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("this network"),
        [127, ..] => Some("loopback"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("private"),
        // 169.254.169.254 is where clouds keep a machine's credentials.
        [169, 254, ..] => Some("link-local or metadata"),
        // 100.100.100.200 likewise.
        [100, 64..=127, ..] => Some("shared by carriers, or metadata"),
        [192, 0, 0, _] => Some("protocol assignments"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("documentation"),
        [192, 88, 99, _] => Some("relay"),
        [198, 18..=19, ..] => Some("benchmarks"),
        [224..=239, ..] => Some("multicast"),
        [240..=255, ..] => Some("reserved"),
        _ => None,
    }
}

fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => return Some("loopback"),
        [0, 0, 0, 0, 0, 0, 0, 0] => return Some("unspecified"),
        // An IPv4 address in another dress, and through a translator.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            return refused_v4(Ipv4Addr::new(a, b, c, d));
        }
        [0xfe80..=0xfebf, ..] => return Some("link-local"),
        // fd00:ec2::254 is a metadata address.
        [0xfc00..=0xfdff, ..] => return Some("private or metadata"),
        [0xff00..=0xffff, ..] => return Some("multicast"),
        _ => {}
    }
    match segments {
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("documentation"),
        [0x2001, 0..=0x1ff, ..] => Some("protocol assignments"),
        [0x2002, ..] => Some("relay"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("not global unicast"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_only_insiders_reach_are_refused() {
        for inside in [
            "0.0.0.0",
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fec0::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "3fff::1",
        ] {
            let address: IpAddr = inside.parse().unwrap();
            assert!(refused(address).is_some(), "{inside} was let through");
        }
        for outside in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "192.0.1.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            let address: IpAddr = outside.parse().unwrap();
            assert_eq!(refused(address), None, "{outside}");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_turns_into() {
        for name in ["localhost", "127.1", "2130706433", "0x7f000001", "[::1]"] {
            let target = Target::parse(&format!("https://{name}/hook"), false).unwrap();
            let refusal = target.resolve(false).await.err();
            assert!(
                matches!(refusal, Some(Failure::AddressRefused("loopback"))),
                "{name}: {refusal:?}"
            );
            assert!(target.resolve(true).await.is_ok(), "{name}");
        }
    }

    #[test]
    fn a_url_is_taken_apart_or_refused() {
        let target = Target::parse("https://hooks.example:8443/a?b=c", false).unwrap();
        assert_eq!(
            (target.tls, &*target.host, target.port, &*target.path),
            (true, "hooks.example", 8443, "/a?b=c")
        );
        let plain = Target::parse("http://[::1]/", true).unwrap();
        assert_eq!((plain.tls, &*plain.host, plain.port), (false, "::1", 80));
        for bad in [
            "http://hooks.example/",
            "ftp://hooks.example/",
            "//hooks.example/",
            "/hook",
            "hooks.example",
            "https://user:secret@hooks.example/",
            "https://hooks.example/#part",
            "https://hooks.example:99999/",
            "https://hooks.example:0/",
            "https:///hook",
            "https://a b/",
        ] {
            assert!(Target::parse(bad, false).is_err(), "{bad}");
        }
        assert!(Target::parse(&format!("https://a/{}", "x".repeat(2_048)), false).is_err());
    }
}
