//! The update that turns one item into another.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

use crate::store::dynamo::expression::expression;
use crate::store::dynamo::schema::Item;
use crate::store::dynamo::versions::EXISTS;

/// Makes an update of an existing item set and remove what differs between two states of it; `None` if
/// nothing does. If it `insists`, the update also fails where one of these attributes has meanwhile
/// changed.
pub(in crate::store) fn update_difference(
    update: UpdateItemFluentBuilder,
    before: &Item,
    after: &Item,
    insists: bool,
) -> Option<UpdateItemFluentBuilder> {
    let (mut sets, mut removes) = (Vec::new(), Vec::new());
    let mut conditions = vec![EXISTS.to_owned()];
    let mut update = update;
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for (at, name) in names.into_iter().enumerate() {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        update = update.expression_attribute_names(format!("#n{at}"), name);
        match old {
            _ if !insists => {}
            Some(old) => {
                conditions.push(format!("#n{at} = :o{at}"));
                update = update.expression_attribute_values(format!(":o{at}"), old.clone());
            }
            None => conditions.push(format!("attribute_not_exists(#n{at})")),
        }
        match new {
            Some(new) => {
                sets.push(format!("#n{at} = :n{at}"));
                update = update.expression_attribute_values(format!(":n{at}"), new.clone());
            }
            None => removes.push(format!("#n{at}")),
        }
    }
    let expression = expression(&sets, &removes);
    (!expression.is_empty()).then(|| {
        update
            .update_expression(expression)
            .condition_expression(conditions.join(" AND "))
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{Client, Config};

    use super::*;
    use crate::store::dynamo::database::text;

    fn item(attributes: &[(&str, &str)]) -> Item {
        let attributes = attributes.iter();
        attributes
            .map(|(name, value)| ((*name).to_owned(), text(*value)))
            .collect()
    }

    fn between(
        before: &[(&str, &str)],
        after: &[(&str, &str)],
        insists: bool,
    ) -> Option<UpdateItemFluentBuilder> {
        let config = Config::builder().behavior_version_latest().build();
        let update = Client::from_conf(config).update_item();
        update_difference(update, &item(before), &item(after), insists)
    }

    const BEFORE: [(&str, &str); 3] = [("gone", "1"), ("other", "2"), ("same", "3")];
    const AFTER: [(&str, &str); 3] = [("new", "4"), ("other", "5"), ("same", "3")];

    #[test]
    fn equal_items_need_no_update() {
        assert!(between(&BEFORE, &BEFORE, true).is_none());
    }

    #[test]
    fn an_update_touches_only_what_differs() {
        let update = between(&BEFORE, &AFTER, false).unwrap();
        let sets = update.get_update_expression().as_deref().unwrap();
        assert_eq!(sets.trim(), "SET #n1 = :n1, #n2 = :n2 REMOVE #n0");
        let names = update.get_expression_attribute_names().clone().unwrap();
        assert_eq!(names.len(), 3);
        assert_eq!(
            [&names["#n0"], &names["#n1"], &names["#n2"]],
            ["gone", "new", "other"]
        );
        assert_eq!(
            update.get_expression_attribute_values().clone().unwrap(),
            item(&[(":n1", "4"), (":n2", "5")])
        );
        let condition = update.get_condition_expression().as_deref();
        assert_eq!(condition, Some("attribute_exists(pk)"));
    }

    #[test]
    fn an_insisting_update_fails_where_an_attribute_has_changed() {
        let update = between(&BEFORE, &AFTER, true).unwrap();
        let condition = update.get_condition_expression().as_deref().unwrap();
        assert_eq!(
            condition,
            "attribute_exists(pk) AND #n0 = :o0 AND attribute_not_exists(#n1) AND #n2 = :o2"
        );
        let values = update.get_expression_attribute_values().clone().unwrap();
        let expected = [(":n1", "4"), (":n2", "5"), (":o0", "1"), (":o2", "2")];
        assert_eq!(values, item(&expected));
    }
}
