//! The model file: the module with its files as ModuleScripts, and its folders as Folders.

use std::error::Error;

use rbx_dom_weak::{InstanceBuilder, WeakDom};

use crate::sources::{ROOT, Sources};

const NAME: &str = "Portcullis";

pub fn pack(sources: &Sources) -> Result<Vec<u8>, Box<dyn Error>> {
    let dom = WeakDom::new(
        module(NAME, sources.get(ROOT).unwrap_or_default()).with_children(children(sources, "")),
    );
    let mut bytes = Vec::new();
    rbx_binary::to_writer(&mut bytes, &dom, &[dom.root_ref()])?;
    Ok(bytes)
}

fn module(name: &str, source: &str) -> InstanceBuilder {
    InstanceBuilder::new("ModuleScript")
        .with_name(name)
        .with_property("Source", source)
}

/// What is directly in the folder that `prefix` names.
fn children(sources: &Sources, prefix: &str) -> Vec<InstanceBuilder> {
    let mut children = Vec::new();
    let mut folders: Vec<&str> = Vec::new();
    for (name, source) in sources.iter().filter(|(name, _)| *name != ROOT) {
        let Some(rest) = name.strip_prefix(prefix) else {
            continue;
        };
        match rest.split_once('/') {
            None => children.push(module(rest, source)),
            Some((folder, _)) if !folders.contains(&folder) => {
                folders.push(folder);
                let inside = children_of(sources, prefix, folder);
                children.push(
                    InstanceBuilder::new("Folder")
                        .with_name(folder)
                        .with_children(inside),
                );
            }
            Some(_) => {}
        }
    }
    children
}

fn children_of(sources: &Sources, prefix: &str, folder: &str) -> Vec<InstanceBuilder> {
    children(sources, &format!("{prefix}{folder}/"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn packed() -> Vec<u8> {
        pack(&Sources::read(Path::new("../../roblox/src")).unwrap()).unwrap()
    }

    #[test]
    fn the_same_sources_give_the_same_bytes() {
        assert_eq!(packed(), packed());
    }

    #[test]
    fn the_model_has_every_file_where_requires_look_for_it() {
        let dom = rbx_binary::from_reader(packed().as_slice()).unwrap();
        let root = dom.get_by_ref(dom.root().children()[0]).unwrap();
        assert_eq!(
            (root.name.as_str(), root.class.as_str()),
            (NAME, "ModuleScript")
        );
        let find = |name: &str| {
            let mut children = root
                .children()
                .iter()
                .map(|child| dom.get_by_ref(*child).unwrap());
            children.find(|child| child.name == name).unwrap()
        };
        assert_eq!(find("Version").class.as_str(), "ModuleScript");
        assert_eq!(find("http").class.as_str(), "Folder");
        let scripts = dom
            .descendants()
            .filter(|one| one.class.as_str() == "ModuleScript")
            .count();
        assert_eq!(
            scripts,
            Sources::read(Path::new("../../roblox/src")).unwrap().len()
        );
    }
}
