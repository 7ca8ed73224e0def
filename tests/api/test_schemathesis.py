"""Whatever our own description allows, and what it does not: nothing fails, nothing surprises."""

import subprocess
import sys

from tests.api.processes import vnmgr, webapi

SECONDS = 12
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ENDLESS = "/changes/stream"
PROGRAM = "from schemathesis.cli import schemathesis; schemathesis()"


def test_every_answer_is_one_that_the_description_promises(tmp_path):
    with vnmgr(tmp_path) as manager, webapi(tmp_path) as front:
        address = next(line for line in front.log if "listening on" in line)
        where = address.partition("listening on ")[2].partition(" ")[0]
        words = (f"{where}/openapi.json", "--url", f"{where}/api/1.0", "--checks", ",".join(CHECKS))
        bounds = ("--phases", "fuzzing", "--max-time", str(SECONDS), "--max-examples", "3")
        how = ("--continue-on-failure", "--no-shrink", "--no-color", "--suppress-health-check=all")
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                PROGRAM,
                "run",
                *words,
                *bounds,
                *how,
                "--exclude-path",
                ENDLESS,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=10 * SECONDS,
        )
        failures = done.stdout.partition("= FAILURES =")[2].partition("= WARNINGS =")[0]
        assert done.returncode == 0, failures or done.stdout[-3000:] + done.stderr[-3000:]
        assert "generated" in done.stdout
    assert [line for line in manager.log + front.log if "Traceback" in line] == []
