"""From analyses to a page: data, frozen record, Plotly figure, one HTML file; and to JSON and the terminal."""

from ttrec_cli.report.build import build_page as build_page
from ttrec_cli.report.page import page_html as page_html
from ttrec_cli.report.page import write_page as write_page
from ttrec_cli.report.payload import comparison_payload as comparison_payload
from ttrec_cli.report.payload import make_payload as make_payload
