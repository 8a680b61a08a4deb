//! `Random`, seeded by the universe.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::{Result, Value};

use crate::bridge::{function, number, raise};
use crate::object::{Members, RandomObject, This};
use crate::server::Server;

pub(crate) fn install(server: &Server) -> Result<()> {
    let lua = server.lua();
    let library = lua.create_table()?;
    let new = function(server, |server, _, seed: Option<f64>| {
        let random = match seed {
            Some(seed) => fastrand::Rng::with_seed(seed.to_bits()),
            None => server.universe().0.random.borrow_mut().fork(),
        };
        generator(server, random)
    })?;
    library.set("new", new)?;
    lua.globals().set("Random", library)?;
    let seed = server.universe().0.random.borrow_mut().u32(..);
    let math: mlua::Table = lua.globals().get("math")?;
    math.get::<mlua::Function>("randomseed")?.call(seed)
}

fn generator(server: &Server, random: fastrand::Rng) -> Result<RandomObject> {
    let members = Members::new(server.lua(), "Random", "Random")?;
    let random = Rc::new(RefCell::new(random));
    let own = Rc::clone(&random);
    let number = function(
        server,
        move |_, _, (_, low, high): (This, Option<f64>, Option<f64>)| {
            let (low, high) = (low.unwrap_or(0.0), high.unwrap_or(1.0));
            Ok(low + (high - low) * own.borrow_mut().f64())
        },
    )?;
    members.table.set("NextNumber", number)?;
    let integer = function(server, move |_, _, (_, low, high): (This, Value, Value)| {
        let (Some(low), Some(high)) = (whole(&low), whole(&high)) else {
            return raise("NextInteger needs two integers");
        };
        if low > high {
            return raise("invalid argument #2 to 'NextInteger' (interval is empty)");
        }
        Ok(random.borrow_mut().i64(low..=high))
    })?;
    members.table.set("NextInteger", integer)?;
    Ok(RandomObject(members))
}

fn whole(value: &Value) -> Option<i64> {
    let number = number(value)?;
    (number.fract() == 0.0).then_some(number as i64)
}
