//! Places to publish to: an object store (moto, which others wrote) and a folder behind a real SSH server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::world::{Ran, command, put};

/// Somewhere that a repository is sent to and read from.
pub trait Store {
    /// For `--to`.
    fn to(&self) -> String;
    /// The variables that a command needs to reach it.
    fn variables(&self) -> Vec<(String, String)>;
    /// Where readers find the repository.
    fn read_at(&self) -> String;
    /// Takes the place of a file, behind everybody's back.
    fn overwrite(&self, name: &str, bytes: &[u8]);
    fn remove(&self, name: &str);
    /// The names of all files, sorted.
    fn names(&self) -> Vec<String>;

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&command(args).envs(self.variables()).output().unwrap())
    }
}

/// moto's server, ended with this value.
pub struct S3 {
    /// Whether the store is said to know conditions.
    pub conditions: bool,
    server: Child,
    url: String,
}

impl S3 {
    pub fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/moto_server");
        let mut server = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}; ./test installs it", program.display()));
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let at = line.find("http://127.0.0.1:")?;
            Some(line[at..].trim().to_owned())
        });
        // What it goes on to say of each request must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let store = Self {
            conditions: true,
            server,
            url: url.expect("moto tells its address"),
        };
        store.ask("put", "/bucket", &[]);
        store
    }

    /// As the owner; moto does not look at signatures.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let url = format!("{}{path}", self.url);
        let agent = ureq::Agent::new_with_defaults();
        let owner =
            "AWS4-HMAC-SHA256 Credential=testkey/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let answer = match method {
            "put" => agent.put(&url).header("authorization", owner).send(body),
            "delete" => agent.delete(&url).header("authorization", owner).call(),
            _ => agent.get(&url).header("authorization", owner).call(),
        };
        answer.unwrap().into_body().read_to_vec().unwrap()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Store for S3 {
    fn to(&self) -> String {
        "s3://bucket/pub/repo".into()
    }

    fn variables(&self) -> Vec<(String, String)> {
        let all = [
            ("AWS_ENDPOINT", self.url.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "testkey"),
            ("AWS_SECRET_ACCESS_KEY", "testsecret"),
        ];
        let unless = ("AWS_CONDITIONAL_PUT", "disabled");
        let all = all.into_iter().chain((!self.conditions).then_some(unless));
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn read_at(&self) -> String {
        self.to()
    }

    fn overwrite(&self, name: &str, bytes: &[u8]) {
        self.ask("put", &format!("/bucket/pub/repo/{name}"), bytes);
    }

    fn remove(&self, name: &str) {
        self.ask("delete", &format!("/bucket/pub/repo/{name}"), &[]);
    }

    fn names(&self) -> Vec<String> {
        let text = String::from_utf8(self.ask("get", "/bucket?list-type=2", &[])).unwrap();
        let keys = text
            .split("<Key>pub/repo/")
            .skip(1)
            .filter_map(|rest| rest.split("</Key>").next());
        let mut names: Vec<String> = keys.map(str::to_owned).collect();
        names.sort();
        names
    }
}

/// A folder that an SSH server leads to. The client starts the server for each connection, so that it needs no port.
pub struct Ssh {
    pub dir: PathBuf,
    user: String,
}

impl Ssh {
    pub fn in_folder(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let text = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let run = |program: &str, args: &[&str]| {
            let output = Command::new(program)
                .args(args)
                .output()
                .unwrap_or_else(|e| panic!("{program}: {e}"));
            assert!(output.status.success(), "{program}: {}", Ran::of(&output));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        for key in ["host", "me"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &text(key)]);
        }
        // sshd makes it itself only where a service starts it.
        if run("id", &["-u"]) == "0" {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let sshd = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n",
            text("host"),
            text("me.pub")
        );
        put(&dir.join("sshd_config"), &sshd, 0o644);
        let public = fs::read_to_string(dir.join("host.pub")).unwrap();
        put(&dir.join("known"), &format!("there {public}"), 0o644);
        let ssh = format!(
            "Host there\n  ProxyCommand /usr/sbin/sshd -i -f {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n",
            text("sshd_config"),
            text("me"),
            text("known")
        );
        put(&dir.join("ssh_config"), &ssh, 0o644);
        Self {
            dir: dir.to_path_buf(),
            user: run("id", &["-un"]),
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.dir.join("srv/repo")
    }
}

impl Store for Ssh {
    fn to(&self) -> String {
        format!("sftp://{}@there{}", self.user, self.folder().display())
    }

    fn variables(&self) -> Vec<(String, String)> {
        let config = self.dir.join("ssh_config");
        vec![("NETLINK_SSH_CONFIG".to_owned(), config.to_str().unwrap().to_owned())]
    }

    fn read_at(&self) -> String {
        format!("file://{}", self.folder().display())
    }

    fn overwrite(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder().join(name), bytes).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.folder().join(name)).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.folder()).unwrap();
                    names.push(name.to_str().unwrap().to_owned());
                }
            }
        }
        names.sort();
        names
    }
}
