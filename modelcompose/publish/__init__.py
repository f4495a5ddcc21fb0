"""What a run becomes for its readers: a report, a page or an app with sliders.

Floor 3. May import the floors below (``workflow``, ``catalog``, the words) and Jinja. PyMC, Bambi, xarray, Voila, a
browser and pandoc are used at call time or in a process of their own; ``runs`` and the service are not known here.
"""

from modelcompose.publish.app import clean_environment, serve_command, write_app
from modelcompose.publish.frozen import write_page
from modelcompose.publish.report import FORMATS, report, write_report
from modelcompose.publish.shelf import MODES, Publication, Shelf

__all__ = [
    "FORMATS",
    "MODES",
    "Publication",
    "Shelf",
    "clean_environment",
    "report",
    "serve_command",
    "write_app",
    "write_page",
    "write_report",
]
