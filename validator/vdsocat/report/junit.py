"""A report as JUnit XML: what CI servers show as test results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vdsocat.report.cases import Case, Result, groups_of


def render_junit(document: Mapping[str, Any]) -> str:
    """The report of `report_document` as one <testsuite> for each ABI and comparison of each kernel.

    It keeps to the schema of Jenkins' xUnit plugin. What is unknown, on record as a defect or waived is <skipped>, with
    the reason; a kernel that was not judged is an <error>. What is right although it needs saying is in <system-out>.
    """
    import junitparser

    results = junitparser.JUnitXml(name="vdsocat")
    for group in groups_of(document):
        for suite in group.suites:
            here = junitparser.TestSuite(f"{group.name} {suite.name}")
            for key, value in group.properties.items():
                here.add_property(key, value)
            for case in suite.cases:
                here.add_testcase(_case(case, f"{group.name}.{suite.name}"))
            results.add_testsuite(here)
        results.update_statistics()  # type: ignore[no-untyped-call]
    # The schema has none of it on the outermost element.
    results._elem.attrib.pop("skipped", None)
    text: bytes = results.tostring()  # type: ignore[no-untyped-call]
    return text.decode("utf-8").rstrip("\n")


def _case(case: Case, class_name: str) -> Any:
    import junitparser

    made = junitparser.TestCase(case.name, classname=class_name)
    match case.result:
        case Result.FAILED:
            made.result = [junitparser.Failure(case.text, case.said)]
        case Result.ERROR:
            made.result = [junitparser.Error(case.text, case.said)]
        case Result.UNDECIDED | Result.EXPECTED:
            made.result = [junitparser.Skipped(case.text, case.said)]
        case Result.OK if case.text:
            made.system_out = f"{case.said}: {case.text}"
    return made
