//! `aifirst demo`: the whole chain on a scratch copy.
use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::out::Out;
use crate::report::Fail;

pub(crate) fn run(_args: args::Demo, _context: &mut Context, _out: &mut Out) -> Result<Exit, Fail> {
    Err(Fail::new(Exit::Unsupported, "later", "comes next"))
}
