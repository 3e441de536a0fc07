//! Writes, copies, moves and removes beneath a folder of its own, and shows what is refused.
#![allow(clippy::print_stdout, reason = "an example talks to its user")]
#![allow(
    clippy::disallowed_methods,
    reason = "the show builds its own folder first"
)]

use std::error::Error;

use aifirst_sandbox::{
    CopyLimits, Perm, RawRel, Rename, Replace, Rules, TempName, Workspace, Write,
};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    std::fs::create_dir(dir.path().join("project"))?;
    std::fs::write(dir.path().join("secret"), "not for agents\n")?;
    let secret = dir.path().join("project/shared");
    std::fs::hard_link(dir.path().join("secret"), secret)?;

    let ws = Workspace::open(&dir.path().join("project"), Rules::default())?;
    let at = |path: &str| ws.normalize(path).map(RawRel::from);
    // A program takes these from its system's random source.
    let how = Write::new(TempName::from_random([7; 16]));
    let over = how.replace(Replace::Atomic);

    ws.make_dir_all(&at("src/bin")?, Perm::FOLDER)?;
    ws.write_file(&at("src/bin/main.rs")?, b"fn main() {}\n", &how)?;
    ws.copy_tree(&at("src")?, &at("old")?, &how, CopyLimits::default())?;
    ws.make_symlink(&at("main")?, b"src/bin/main.rs")?;
    ws.rename(&at("old")?, &at("older")?, Rename::NoReplace)?;
    ws.remove_tree(&at("older")?)?;

    let refused = [
        (
            "write over a taken name",
            ws.write_file(&at("src/bin/main.rs")?, b"", &how).err(),
        ),
        (
            "write over a link",
            ws.write_file(&at("main")?, b"", &over).err(),
        ),
        (
            "write a file that has a name outside",
            ws.write_file(&at("shared")?, b"", &over).err(),
        ),
        (
            "link to the outside",
            ws.make_symlink(&at("out")?, b"../secret").err(),
        ),
        ("remove the root", ws.remove_tree(&RawRel::root()).err()),
        ("set setuid", Perm::new(0o4755).err()),
    ];
    for (what, error) in refused {
        match error {
            Some(error) => println!("{what}: {} ({error})", error.code()),
            None => return Err(format!("{what} was accepted").into()),
        }
    }
    print!("{}", std::fs::read_to_string(dir.path().join("secret"))?);
    Ok(())
}
