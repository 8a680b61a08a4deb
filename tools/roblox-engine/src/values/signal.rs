//! `RBXScriptSignal`: handlers run in threads of their own, after the code that fires the signal.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use mlua::{Error, Function, IntoLuaMulti, MetaMethod, MultiValue, Result, UserData};
use mlua::{UserDataFields, UserDataMethods, Value};

use crate::bridge::{Waiter, function, yielding};
use crate::object::{Members, SignalObject, This};
use crate::server::Server;
use crate::threads;

/// An event that scripts connect to.
#[derive(Clone, Default)]
pub(crate) struct Signal(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    connections: Vec<(Rc<Cell<bool>>, Function, bool)>,
    waiting: Vec<Waiter>,
}

impl Signal {
    /// The object for scripts.
    pub fn object(&self, server: &Server, name: &str) -> Result<SignalObject> {
        let members = Members::new(server.lua(), "RBXScriptSignal", name)?;
        for (method, once) in [("Connect", false), ("Once", true)] {
            let signal = self.clone();
            let connect = function(server, move |_, _, (_, handler): (This, Function)| {
                Ok(signal.connect(handler, once))
            })?;
            members.table.set(method, connect)?;
        }
        let signal = self.clone();
        let wait = yielding(server, move |_, _, _: This, waiter| {
            signal.0.borrow_mut().waiting.push(waiter);
            Ok(())
        })?;
        members.table.set("Wait", wait)?;
        Ok(SignalObject(members))
    }

    /// Connects a handler.
    pub fn connect(&self, handler: Function, once: bool) -> Connection {
        let connected = Rc::new(Cell::new(true));
        let entry = (Rc::clone(&connected), handler, once);
        self.0.borrow_mut().connections.push(entry);
        Connection(connected)
    }

    /// Runs the handlers that are connected now, at the end of the current moment.
    pub fn fire(&self, server: &Server, arguments: impl IntoLuaMulti) -> Result<()> {
        let arguments = arguments.into_lua_multi(server.lua())?;
        let mut inner = self.0.borrow_mut();
        inner.connections.retain(|(connected, ..)| connected.get());
        for (connected, handler, once) in &inner.connections {
            let (connected, once) = (Rc::clone(connected), *once);
            let (handler, arguments) = (handler.clone(), arguments.clone());
            server.after(Duration::ZERO, move |server| {
                if !connected.get() {
                    return;
                }
                connected.set(!once);
                if let Err(error) = threads::spawn(server, handler, arguments) {
                    server.record_error(&error);
                }
            });
        }
        for waiter in inner.waiting.drain(..) {
            let arguments: MultiValue = arguments.clone();
            waiter.after(Duration::ZERO, move |_, _| Ok(arguments));
        }
        Ok(())
    }
}

/// `RBXScriptConnection`.
pub(crate) struct Connection(Rc<Cell<bool>>);

impl UserData for Connection {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field(MetaMethod::Type, "RBXScriptConnection");
        fields.add_field_method_get("Connected", |_, this| Ok(this.0.get()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("Disconnect", |_, this, ()| {
            this.0.set(false);
            Ok(())
        });
        methods.add_meta_method(MetaMethod::Index, |_, _, name: Value| -> Result<()> {
            let name = name.to_string()?;
            Err(Error::runtime(format!(
                "{name} is not a valid member of RBXScriptConnection"
            )))
        });
    }
}
