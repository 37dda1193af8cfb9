//! A build script that misbehaves on purpose. It tries to get out of the sandbox and says what it could do,
//! one cargo warning an attempt:
//!
//!     hostile ATTEMPT: refused (why)
//!     hostile ATTEMPT: SUCCEEDED (what)
//!
//! It acts only below /build/source, where cratematrix's sandboxes keep the source. Anywhere else its one line is
//! `hostile guard: not in a sandbox, nothing tried`, because editors run build scripts too, on machines people need.
//!
//! Must be refused, once the network is closed:
//! - `connect-internet`, `connect-internet-v6`: TCP to a public address
//! - `connect-metadata`: TCP to the address where clouds keep a machine's credentials
//! - `connect-loopback`: TCP to well-known ports of 127.0.0.1
//! - `connect-canary`: TCP to the port of 127.0.0.1 that the file `canary-port` beside this script names
//! - `connect-docker`: the Docker daemon's socket
//! - `dns-lookup`: a name, through the system's resolver
//! - `udp-query`: the same question, sent straight to a public server
//! - `see-canary-process`: a process with `cratematrix-canary` in its command line
//!
//! May succeed, but on the sandbox's own copy: nothing may change or come from outside.
//! - `write-root`, `write-usr`, `write-etc`, `write-tmp`, `write-shm`, `write-home`, `write-above-home`,
//!   `write-workspace`, `write-above-source`, `write-cargo-home`, `write-toolchain`: a file `escape-attempt` there
//! - `read-shadow`, `read-cargo-credentials`, `read-npmrc`: told by size, not content
//! - `read-root`: told by the number of entries in /root
//! - `read-pid-1-environ`: told by the variables' names
//! - `read-environ`: its own environment, in lines of their own: `hostile environ NAME=VALUE`
//! - `see-processes`: `SUCCEEDED (N processes: names)`
//! - `signal-pid-1`, `signal-parent`: signal 0, which only asks whether one may
//! - `background`: leaves `sleep 4242` behind, in a session of its own; it must end with the sandbox
//! - `forge-log`: writes src/forged.rs to cargo's own stderr, so that cargo has no say in it. The same text is in
//!   lines `hostile log TEXT`, and the crate's test prints it too.

#[path = "src/forged.rs"]
mod forged;

use std::env;
use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const SOURCE: &str = "/build/source";
const PATIENCE: Duration = Duration::from_secs(2);

type Outcome = Result<String, String>;

fn main() {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    if !here.starts_with(SOURCE) {
        println!("cargo:warning=hostile guard: not in a sandbox, nothing tried");
        return;
    }
    let home = PathBuf::from(variable("HOME"));
    let cargo_home = env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);

    tell("write-root", write("/"));
    tell("write-usr", write("/usr"));
    tell("write-etc", write("/etc"));
    tell("write-tmp", write("/tmp"));
    tell("write-shm", write("/dev/shm"));
    tell("write-home", write(&home));
    tell("write-above-home", write(home.join("..")));
    tell("write-workspace", write(here.join("../..")));
    tell("write-above-source", write(Path::new(SOURCE).join("..")));
    tell("write-cargo-home", write(&cargo_home));
    tell("write-toolchain", toolchain().and_then(write));

    tell("read-shadow", size("/etc/shadow"));
    tell("read-root", list("/root"));
    tell(
        "read-cargo-credentials",
        size(cargo_home.join("credentials.toml")),
    );
    tell("read-npmrc", size(home.join(".npmrc")));
    tell("read-pid-1-environ", variable_names("/proc/1/environ"));
    tell("read-environ", own_environ());

    tell("connect-internet", connect("1.1.1.1:443"));
    tell("connect-internet-v6", connect("[2606:4700:4700::1111]:443"));
    tell("connect-metadata", connect("169.254.169.254:80"));
    tell("connect-loopback", loopback(&[9, 80, 443, 2375]));
    tell("connect-canary", canary(&here));
    tell("connect-docker", docker());
    tell("dns-lookup", dns_lookup());
    tell("udp-query", udp_query());

    tell("see-processes", processes());
    tell("see-canary-process", canary_process());
    tell("signal-pid-1", signal(1));
    tell("signal-parent", signal(parent_id()));
    tell("background", background());

    for line in forged::FORGED.lines().filter(|line| !line.is_empty()) {
        println!("cargo:warning=hostile log {line}");
    }
    tell("forge-log", forge_log());
}

fn tell(attempt: &str, outcome: Outcome) {
    let (word, detail) = match outcome {
        Ok(detail) => ("SUCCEEDED", detail),
        Err(detail) => ("refused", detail),
    };
    // One line an attempt, whatever the detail holds.
    let detail = detail.replace(char::is_control, " ");
    println!("cargo:warning=hostile {attempt}: {word} ({detail})");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn why(error: impl Display) -> String {
    error.to_string()
}

fn write(folder: impl AsRef<Path>) -> Outcome {
    let file = folder.as_ref().join("escape-attempt");
    fs::write(&file, "written by fleet-hostile\n").map_err(why)?;
    Ok(format!("wrote {}", file.display()))
}

/// The folder of the compiler, where a changed file would spoil every later build.
fn toolchain() -> Result<PathBuf, String> {
    let answer = Command::new(variable("RUSTC"))
        .args(["--print", "sysroot"])
        .output()
        .map_err(why)?;
    Ok(PathBuf::from(
        String::from_utf8_lossy(&answer.stdout).trim(),
    ))
}

fn size(file: impl AsRef<Path>) -> Outcome {
    let content = fs::read(file).map_err(why)?;
    Ok(format!("{} bytes", content.len()))
}

fn list(folder: &str) -> Outcome {
    let count = fs::read_dir(folder).map_err(why)?.count();
    Ok(format!("{count} entries"))
}

fn variable_names(file: &str) -> Outcome {
    let content = fs::read(file).map_err(why)?;
    let content = String::from_utf8_lossy(&content);
    let names: Vec<_> = content
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, _)| name)
        .collect();
    Ok(format!("{} variables: {}", names.len(), names.join(" ")))
}

fn own_environ() -> Outcome {
    let count = env::vars_os()
        .map(|(name, value)| {
            let pair = format!("{}={}", name.to_string_lossy(), value.to_string_lossy());
            println!(
                "cargo:warning=hostile environ {}",
                pair.replace(char::is_control, " ")
            );
        })
        .count();
    Ok(format!("{count} variables"))
}

fn connect(address: &str) -> Outcome {
    let address: SocketAddr = address.parse().map_err(why)?;
    TcpStream::connect_timeout(&address, PATIENCE).map_err(why)?;
    Ok(format!("connected to {address}"))
}

fn loopback(ports: &[u16]) -> Outcome {
    let mut refusal = String::new();
    for port in ports {
        match connect(&format!("127.0.0.1:{port}")) {
            Err(error) => refusal = error,
            connected => return connected,
        }
    }
    Err(refusal)
}

fn canary(here: &Path) -> Outcome {
    let port = fs::read_to_string(here.join("canary-port")).map_err(|_| "no file canary-port")?;
    connect(&format!("127.0.0.1:{}", port.trim()))
}

fn docker() -> Outcome {
    UnixStream::connect("/var/run/docker.sock").map_err(why)?;
    Ok("connected to /var/run/docker.sock".to_owned())
}

fn dns_lookup() -> Outcome {
    let (sender, answer) = mpsc::channel();
    // The resolver has no timeout of its own to set.
    thread::spawn(move || sender.send(("example.com", 443).to_socket_addrs().map_err(why)));
    let mut addresses = answer.recv_timeout(PATIENCE).map_err(|_| "no answer")??;
    let address = addresses.next().ok_or("no address")?;
    Ok(format!("example.com is {}", address.ip()))
}

fn udp_query() -> Outcome {
    // A DNS question: the header, then example.com, type A, class IN.
    let question =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(why)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(why)?;
    socket.send_to(question, "1.1.1.1:53").map_err(why)?;
    let mut answer = [0; 512];
    let size = socket.recv(&mut answer).map_err(why)?;
    Ok(format!("{size} bytes from 1.1.1.1"))
}

/// The folders of /proc that belong to processes.
fn process_folders() -> Result<Vec<PathBuf>, String> {
    let is_process = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok())
    };
    let entries = fs::read_dir("/proc").map_err(why)?;
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .filter(is_process)
        .collect())
}

fn processes() -> Outcome {
    let folders = process_folders()?;
    let names: Vec<_> = folders
        .iter()
        .map(|folder| fs::read_to_string(folder.join("comm")).unwrap_or_else(|_| "?".to_owned()))
        .map(|name| name.trim().to_owned())
        .collect();
    Ok(format!("{} processes: {}", names.len(), names.join(" ")))
}

fn canary_process() -> Outcome {
    for folder in process_folders()? {
        let command = fs::read(folder.join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains("cratematrix-canary") {
            return Ok(format!("saw {}", folder.display()));
        }
    }
    Err("no such process in sight".to_owned())
}

fn signal(pid: u32) -> Outcome {
    // The shell's own kill: a sandbox need not have the program.
    let answer = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -0 {pid}"))
        .output()
        .map_err(why)?;
    if answer.status.success() {
        Ok(format!("may signal {pid}"))
    } else {
        Err(String::from_utf8_lossy(&answer.stderr).trim().to_owned())
    }
}

fn background() -> Outcome {
    let child = Command::new("setsid")
        .args(["sleep", "4242"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(why)?;
    Ok(format!("left sleep 4242 as process {}", child.id()))
}

/// Cargo holds back what a build script prints, so this opens the pipe or file that cargo itself writes to.
fn forge_log() -> Outcome {
    let stderr = format!("/proc/{}/fd/2", parent_id());
    let mut log = fs::OpenOptions::new()
        .append(true)
        .open(&stderr)
        .map_err(why)?;
    log.write_all(forged::FORGED.as_bytes()).map_err(why)?;
    Ok(format!("wrote to {stderr}"))
}
