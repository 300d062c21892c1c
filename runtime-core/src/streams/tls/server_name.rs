//! By which name a client knows its server.

use rustls::pki_types::ServerName;

/// The name of a server: `&str`, `String`, or rustls's `ServerName`. It is a name of the DNS, or an
/// address, and the server's certificate has to have it.
///
/// This trait is sealed.
pub trait ToServerName: sealed::Convert {}

impl<T: sealed::Convert> ToServerName for T {}

/// A name, or why it is none.
pub(super) type Name = Result<ServerName<'static>, String>;

pub(super) mod sealed {
    use super::{Name, ServerName, parsed};

    #[expect(unnameable_types, reason = "nobody outside may implement it")]
    pub trait Convert {
        #[doc(hidden)]
        fn convert(self) -> Name;
    }

    impl Convert for &str {
        fn convert(self) -> Name {
            parsed(self)
        }
    }

    impl Convert for String {
        fn convert(self) -> Name {
            parsed(&self)
        }
    }

    impl Convert for &String {
        fn convert(self) -> Name {
            parsed(self)
        }
    }

    impl Convert for ServerName<'_> {
        fn convert(self) -> Name {
            Ok(self.to_owned())
        }
    }
}

fn parsed(name: &str) -> Name {
    let parsed = ServerName::try_from(name);
    let parsed = parsed.map_err(|error| format!("{name:?} is no name of a server: {error}"));
    parsed.map(|name| name.to_owned())
}
