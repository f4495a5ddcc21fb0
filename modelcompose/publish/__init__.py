"""What a run becomes for its readers: a report, or an app with sliders.

Floor 3. May import the floors below (``workflow``, ``catalog``, the words) and Jinja. PyMC, Bambi, xarray and Voila
are used at call time or in a process of their own; ``runs`` and the service are not known here.
"""

from modelcompose.publish.app import clean_environment, serve_command, write_app
from modelcompose.publish.report import report, write_report

__all__ = ["clean_environment", "report", "serve_command", "write_app", "write_report"]
