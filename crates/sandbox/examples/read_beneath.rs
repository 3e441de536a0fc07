//! Reads one file beneath a folder: `read_beneath DIR PATH`, or on its own a small show.
#![allow(clippy::print_stdout, reason = "an example talks to its user")]
#![allow(
    clippy::disallowed_methods,
    reason = "the show builds its own folder first"
)]

use std::error::Error;
use std::io::Write as _;
use std::path::Path;

use aifirst_sandbox::{Rules, Workspace};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [dir, path] = arguments.as_slice() {
        return Ok(std::io::stdout().write_all(&read(Path::new(dir), path)?)?);
    }
    let dir = tempfile::tempdir()?;
    std::fs::create_dir_all(dir.path().join("project/src"))?;
    std::fs::write(dir.path().join("project/src/main.rs"), "fn main() {}\n")?;
    std::fs::write(dir.path().join("secret"), "not for agents\n")?;
    std::os::unix::fs::symlink("../secret", dir.path().join("project/innocent"))?;
    for path in [
        "src/main.rs",
        "./src/../src//main.rs",
        "../secret",
        "innocent",
        "~/x",
    ] {
        match read(&dir.path().join("project"), path) {
            Ok(content) => println!("{path}: {}", String::from_utf8_lossy(&content).trim_end()),
            Err(error) => println!("{path}: {} ({error})", error.code()),
        }
    }
    Ok(())
}

fn read(dir: &Path, path: &str) -> aifirst_sandbox::Result<Vec<u8>> {
    let workspace = Workspace::open(dir, Rules::default())?;
    let path = workspace.normalize(path)?;
    workspace.open_file(&path)?.read_to_vec(64 << 20)
}
