//! Putting files into an object store that speaks S3.

use std::fs::File;
use std::io::Read;
use std::path::Path as FilePath;
use std::time::Duration;

use object_store::aws::AmazonS3;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};
use tokio::runtime::Runtime;

use super::super::bucket::{self, Wire};
use super::super::location::below;
use super::{Network, SMALL, Seen, StoreError, unreadable};

/// Files up to this size are put in one piece; larger ones in pieces of it, which bounds the memory it takes.
const PIECE: u64 = 16 << 20;
/// Of a file that is read through, at a time.
const STRETCH: u64 = 8 << 20;

pub(super) struct Bucket {
    store: AmazonS3,
    name: String,
    prefix: String,
    runtime: Runtime,
}

impl Bucket {
    pub fn open(bucket: &str, prefix: &str, network: &Network) -> Result<Self, StoreError> {
        let place = format!("s3://{bucket}/{prefix}");
        let no = |reason: String| StoreError::Bucket {
            place: place.clone(),
            reason,
        };
        let wire = Wire {
            network: network.clone(),
            limit: SMALL,
            time: network.limits.whole,
        };
        let store = bucket::store(bucket, wire, Duration::from_secs(60)).map_err(|e| no(e.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        Ok(Self {
            store,
            name: bucket.to_owned(),
            prefix: prefix.to_owned(),
            runtime: runtime.map_err(|e| no(e.to_string()))?,
        })
    }

    pub fn size(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let (path, shown) = self.at(name)?;
        match self.runtime.block_on(self.store.head(&path)) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(failed(shown, &e)),
        }
    }

    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Seen>, StoreError> {
        let (path, shown) = self.at(name)?;
        let read = self.runtime.block_on(async {
            let found = self.store.get(&path).await?;
            let (size, tag) = (found.meta.size, found.meta.e_tag.clone());
            let bytes = if size > limit { None } else { Some(found.bytes().await?) };
            Ok::<_, Error>((bytes, tag))
        });
        match read {
            Ok((Some(bytes), tag)) => Ok(Some(Seen {
                bytes: bytes.to_vec(),
                tag,
            })),
            Ok((None, _)) => Err(StoreError::TooLong { name: shown, limit }),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(failed(shown, &e)),
        }
    }

    pub fn read_through(&self, name: &str, each: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        let Some(size) = self.size(name)? else {
            return Ok(false);
        };
        let (path, shown) = self.at(name)?;
        let mut done = 0;
        while done < size {
            let end = (done + STRETCH).min(size);
            let read = self.runtime.block_on(self.store.get_range(&path, done..end));
            each(&read.map_err(|e| failed(shown.clone(), &e))?);
            done = end;
        }
        Ok(true)
    }

    pub fn put(&self, name: &str, bytes: &[u8], seen: Option<&Seen>) -> Result<(), StoreError> {
        let (path, shown) = self.at(name)?;
        let mode = match seen {
            None => PutMode::Create,
            Some(seen) => PutMode::Update(UpdateVersion {
                e_tag: seen.tag.clone(),
                version: None,
            }),
        };
        let put = |mode: PutMode| {
            let payload = PutPayload::from(bytes.to_vec());
            self.runtime
                .block_on(self.store.put_opts(&path, payload, PutOptions::from(mode)))
        };
        match put(mode) {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Err(StoreError::Taken { name: shown }),
            // `AWS_CONDITIONAL_PUT=disabled`, for stores that do not know conditions: what can be done is to look just before.
            Err(Error::NotImplemented { .. }) => {
                let there = self.read(name, SMALL)?.map(|there| there.bytes);
                if there.as_deref() != seen.map(|seen| seen.bytes.as_slice()) {
                    return Err(StoreError::Taken { name: shown });
                }
                put(PutMode::Overwrite).map(drop).map_err(|e| failed(shown, &e))
            }
            Err(e) => Err(failed(shown, &e)),
        }
    }

    pub fn put_file(&self, name: &str, from: &FilePath, length: u64) -> Result<(), StoreError> {
        let (path, shown) = self.at(name)?;
        let mut file = File::open(from).map_err(|e| unreadable(from, e))?;
        let mut next = |size: u64| {
            let mut bytes = Vec::new();
            let read = (&mut file).take(size).read_to_end(&mut bytes);
            match read {
                Ok(n) if n as u64 == size => Ok(bytes),
                Ok(_) => Err(StoreError::Changed(from.to_path_buf())),
                Err(e) => Err(unreadable(from, e)),
            }
        };
        if length <= PIECE {
            let payload = PutPayload::from(next(length)?);
            let put = self.runtime.block_on(self.store.put(&path, payload));
            return put.map(drop).map_err(|e| failed(shown, &e));
        }
        let no = |e: Error| failed(shown.clone(), &e);
        let id = self.runtime.block_on(self.store.create_multipart(&path)).map_err(no)?;
        let mut put_all = || {
            let mut parts = Vec::new();
            let mut left = length;
            while left > 0 {
                let size = left.min(PIECE);
                let payload = PutPayload::from(next(size)?);
                let put = self.store.put_part(&path, &id, parts.len(), payload);
                parts.push(self.runtime.block_on(put).map_err(no)?);
                left -= size;
            }
            let done = self.store.complete_multipart(&path, &id, parts);
            self.runtime.block_on(done).map(drop).map_err(no)
        };
        put_all().inspect_err(|_| {
            // What is left of it costs money until the store clears it away; the reason of the failure is what matters.
            let _ = self.runtime.block_on(self.store.abort_multipart(&path, &id));
        })
    }

    fn at(&self, name: &str) -> Result<(Path, String), StoreError> {
        let key = below(&self.prefix, name);
        let shown = format!("s3://{}/{key}", self.name);
        let path = Path::parse(&key).map_err(|e| StoreError::Failed {
            name: shown.clone(),
            reason: e.to_string(),
        })?;
        Ok((path, shown))
    }
}

fn failed(name: String, error: &Error) -> StoreError {
    let mut reason = error.to_string();
    let mut below: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = below {
        let said = cause.to_string();
        if !reason.contains(&said) {
            reason = format!("{reason}: {said}");
        }
        below = cause.source();
    }
    StoreError::Failed { name, reason }
}
