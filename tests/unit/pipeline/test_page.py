from pathlib import Path

from openvnet.pipeline.page import page

PAGE = Path(__file__).parents[3] / "docs" / "pipeline.md"


def test_the_page_of_the_pipeline_is_up_to_date():
    assert PAGE.read_text() == page(), "`make docs` makes it"
