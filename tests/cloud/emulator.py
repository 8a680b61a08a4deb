"""Runs ministack with the workarounds of gaps.py, in ministack's own environment. It writes each decision about a
role to the file DECISIONS, with the statements that allow it."""

import contextvars
import json
import os

import gaps
from ministack import app
from ministack.core import iam_evaluator

evaluate, enforce = iam_evaluator.evaluate, iam_evaluator.enforce
matched = contextvars.ContextVar("matched", default=None)
decisions = open(os.environ["DECISIONS"], "a", buffering=1)


def evaluate_and_remember(context, policies, *limits):
    """Evaluates a request, and notes all statements that allow it, not only the first."""
    result = evaluate(context, policies, *limits)
    allowing = [statement.sid for statements in policies for statement in statements
                if iam_evaluator._first_match(context, [statement], "Allow")]
    # A bucket policy is evaluated after the role's.
    if matched.get() is None:
        matched.set((context, allowing))
    return result


def enforce_and_write(key, action, service, region, resource_arn="*", service_context=None):
    matched.set(None)
    denied = enforce(key, action, service, region, resource_arn, service_context)
    if matched.get():
        context, allowing = matched.get()
        decisions.write(json.dumps({
            "role": context.principal_arn.split("/")[1], "action": action, "resource": resource_arn,
            "statements": allowing, "denied": denied is not None, "context": context.service_context,
        }, default=str) + "\n")
    return denied


iam_evaluator.evaluate, iam_evaluator.enforce = evaluate_and_remember, enforce_and_write
gaps.close()
app.main()
