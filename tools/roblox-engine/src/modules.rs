//! `require` of files, compiled once for all servers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use mlua::chunk::{ChunkMode, Compiler};
use mlua::luau::{FsRequirer, NavigateError, Require};
use mlua::{Error, Function, Lua, Result};

/// The compiled modules of a universe.
#[derive(Clone, Default)]
pub(crate) struct Modules(Rc<RefCell<HashMap<String, Vec<u8>>>>);

impl Modules {
    /// Sets `require` of a machine.
    pub fn install(&self, lua: &Lua) -> Result<()> {
        let requirer = Requirer {
            files: FsRequirer::new(),
            modules: self.clone(),
        };
        let require = lua.create_require_function(requirer)?;
        lua.globals().set("require", require)
    }

    /// A chunk of a file, whose `require` is relative to it.
    pub fn load(&self, lua: &Lua, path: &Path) -> Result<Function> {
        let key = path.display().to_string();
        let known = self.0.borrow().contains_key(&key);
        if !known {
            let source = std::fs::read(path)
                .map_err(|e| Error::runtime(format!("{}: {e}", path.display())))?;
            self.0.borrow_mut().insert(key.clone(), compile(source)?);
        }
        let compiled = self.0.borrow().get(&key).cloned().unwrap_or_default();
        lua.load(compiled)
            .set_name(chunk_name(path))
            .set_mode(ChunkMode::Binary)
            .into_function()
    }
}

pub(crate) fn compile(source: impl AsRef<[u8]>) -> Result<Vec<u8>> {
    Compiler::new()
        .set_optimization_level(1)
        .set_debug_level(1)
        .compile(source)
}

/// A module's name without its extension, and for `init` that of its folder: `require` resolves
/// paths against it.
fn chunk_name(path: &Path) -> String {
    let module = match path.file_stem().is_some_and(|stem| stem == "init") {
        true => path.parent().unwrap_or(path).to_owned(),
        false => path.with_extension(""),
    };
    format!("@{}", module.display())
}

struct Requirer {
    files: FsRequirer,
    modules: Modules,
}

type Navigated = std::result::Result<(), NavigateError>;

impl Require for Requirer {
    fn is_require_allowed(&self, chunk_name: &str) -> bool {
        self.files.is_require_allowed(chunk_name)
    }

    fn reset(&mut self, chunk_name: &str) -> Navigated {
        self.files.reset(chunk_name)
    }

    fn jump_to_alias(&mut self, path: &str) -> Navigated {
        self.files.jump_to_alias(path)
    }

    fn to_parent(&mut self) -> Navigated {
        self.files.to_parent()
    }

    fn to_child(&mut self, name: &str) -> Navigated {
        self.files.to_child(name)
    }

    fn has_module(&self) -> bool {
        self.files.has_module()
    }

    fn cache_key(&self) -> String {
        self.files.cache_key()
    }

    fn has_config(&self) -> bool {
        self.files.has_config()
    }

    fn config(&self) -> std::io::Result<Vec<u8>> {
        self.files.config()
    }

    fn loader(&self, lua: &Lua) -> Result<Function> {
        self.modules.load(lua, Path::new(&self.files.cache_key()))
    }
}
