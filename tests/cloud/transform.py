"""Expands template.yaml as CloudFormation does, with SAM's own transform."""

from pathlib import Path

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[2]

# The managed policy of a function that only writes logs. SAM names it in every role.
MANAGED = {"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}


def expand(template, code, nested, parameters=None):
    """The CloudFormation template of a SAM template's path or text.

    `code` returns the S3 address of a function's archive for its name; `nested` returns the URL of a nested
    template for its file name.
    """
    text = template.read_text() if isinstance(template, Path) else template
    source = yaml_parse(text)
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = code(Path(properties["CodeUri"]).name)
        if resource["Type"] == "AWS::Serverless::Application":
            properties["Location"] = nested(properties["Location"])
    translator = Translator(MANAGED, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    return translator.translate(sam_template=source, parameter_values=dict(parameters or {}))
