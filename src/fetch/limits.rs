//! How long a transfer may take, how slow it may be, how often it is tried.

use std::time::Duration;

/// What a look for updates waits for at most: a server that drips must not hold it up as long as a package may take.
const SMALL: Duration = Duration::from_secs(5 * 60);

/// Hosts that hold large files for everybody, and may be slow to give them: ends of their names.
const STORES: [&str; 15] = [
    "amazonaws.com",
    "aliyuncs.com",
    "myqcloud.com",
    "myhuaweicloud.com",
    "bcebos.com",
    "volces.com",
    "storage.googleapis.com",
    "blob.core.windows.net",
    "azureedge.net",
    "cloudfront.net",
    "r2.cloudflarestorage.com",
    "r2.dev",
    "digitaloceanspaces.com",
    "backblazeb2.com",
    "wasabisys.com",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    /// Without a single byte arriving.
    pub idle: Duration,
    /// All tries of one file at one place together.
    pub whole: Duration,
    /// Instead of `whole` where the host is an object store.
    pub whole_from_store: Duration,
    /// Bytes a second, on the average of each time as long as `idle`.
    pub lowest_speed: u64,
    /// In a row, without anything worth keeping having arrived between them.
    pub tries: u32,
    /// Before the second try; longer before each further one.
    pub pause: Duration,
    /// A part smaller than this is fetched anew: that costs less than the care of continuing.
    pub resume_from: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            whole: Duration::from_secs(60 * 60),
            whole_from_store: Duration::from_secs(4 * 60 * 60),
            lowest_speed: 1024,
            tries: 3,
            pause: Duration::from_millis(500),
            resume_from: 1 << 20,
        }
    }
}

impl Limits {
    /// For files that are read into memory.
    pub(super) fn small(self) -> Self {
        Self {
            whole: self.whole.min(SMALL),
            whole_from_store: self.whole_from_store.min(SMALL),
            ..self
        }
    }

    /// How long all tries of one file at `host` may take.
    pub(super) fn whole_at(&self, host: &str) -> Duration {
        if is_store(host) {
            self.whole.max(self.whole_from_store)
        } else {
            self.whole
        }
    }
}

fn is_store(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_below = |name: &&str| {
        host.strip_suffix(*name)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    STORES.iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_stores_are_given_more_time_and_only_they() {
        for store in [
            "bucket.s3.eu-central-1.amazonaws.com",
            "S3.AMAZONAWS.COM",
            "bucket.oss-cn-hangzhou.aliyuncs.com",
            "storage.googleapis.com.",
            "me.blob.core.windows.net",
        ] {
            assert_eq!(
                Limits::default().whole_at(store),
                Duration::from_secs(4 * 3600),
                "{store}"
            );
        }
        for other in [
            "example.org",
            "notamazonaws.com",
            "amazonaws.com.example.org",
            "",
            "127.0.0.1",
        ] {
            assert_eq!(Limits::default().whole_at(other), Duration::from_secs(3600), "{other}");
        }
        let patient = Limits {
            whole: Duration::from_secs(9 * 3600),
            ..Limits::default()
        };
        assert_eq!(patient.whole_at("s3.amazonaws.com"), patient.whole);
    }
}
