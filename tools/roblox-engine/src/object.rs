//! Objects of the engine. An unknown member raises, and so does setting one.

use mlua::{
    Error, FromLua, Lua, MetaMethod, Result, Table, UserData, UserDataFields, UserDataMethods,
    UserDataRef, Value,
};

/// Declares a userdata type with the name that `typeof` returns.
macro_rules! object_type {
    ($type:ident, $name:literal) => {
        impl UserData for $type {
            fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
                fields.add_meta_field(MetaMethod::Type, $name);
            }

            fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
                methods.add_meta_method(MetaMethod::Index, |_, this, name: Value| {
                    this.0.member(&name)
                });
                methods.add_meta_method(
                    MetaMethod::NewIndex,
                    |_, this, (name, _): (Value, Value)| -> Result<()> {
                        let name = name.to_string()?;
                        Err(Error::runtime(format!(
                            "cannot set {name} of {}",
                            this.0.name
                        )))
                    },
                );
                methods
                    .add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.0.name.clone()));
            }
        }
    };
}

/// A named set of members.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    pub class: &'static str,
    pub name: String,
    pub table: Table,
    /// Members that may be `nil`.
    pub optional: &'static [&'static str],
}

impl Members {
    pub fn new(lua: &Lua, class: &'static str, name: &str) -> Result<Self> {
        Ok(Self {
            class,
            name: name.to_owned(),
            table: lua.create_table()?,
            optional: &[],
        })
    }

    fn member(&self, name: &Value) -> Result<Value> {
        let value: Value = self.table.raw_get(name.clone())?;
        let known = match name {
            Value::String(name) => {
                let name = name.to_str()?;
                !value.is_nil() || self.optional.contains(&&*name)
            }
            _ => false,
        };
        if known {
            return Ok(value);
        }
        let name = name.to_string()?;
        Err(Error::runtime(format!(
            "{name} is not a valid member of {} \"{}\"",
            self.class, self.name
        )))
    }
}

/// A service, player or the game.
#[derive(Clone, Debug)]
pub(crate) struct Instance(pub Members);
object_type!(Instance, "Instance");

#[derive(Clone, Debug)]
pub(crate) struct SignalObject(pub Members);
object_type!(SignalObject, "RBXScriptSignal");

#[derive(Clone, Debug)]
pub(crate) struct EnumItem(pub Members);
object_type!(EnumItem, "EnumItem");

#[derive(Clone, Debug)]
pub(crate) struct EnumType(pub Members);
object_type!(EnumType, "Enum");

#[derive(Clone, Debug)]
pub(crate) struct Enums(pub Members);
object_type!(Enums, "Enums");

#[derive(Clone, Debug)]
pub(crate) struct DateTime(pub Members);
object_type!(DateTime, "DateTime");

#[derive(Clone, Debug)]
pub(crate) struct RandomObject(pub Members);
object_type!(RandomObject, "Random");

/// The receiver of a method call; a call with a dot instead of a colon raises.
pub(crate) struct This;

impl FromLua for This {
    fn from_lua(value: Value, _: &Lua) -> Result<Self> {
        let is_object = match &value {
            Value::UserData(data) => !data.is::<crate::values::secret::Secret>(),
            _ => false,
        };
        match is_object {
            true => Ok(Self),
            false => Err(Error::runtime(
                "Expected ':' not '.' calling member function",
            )),
        }
    }
}

/// The enum item in an argument.
pub(crate) fn item(value: &Value) -> Option<String> {
    let Value::UserData(data) = value else {
        return None;
    };
    let item: UserDataRef<EnumItem> = data.borrow().ok()?;
    Some(item.0.name.clone())
}
