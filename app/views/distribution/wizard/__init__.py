"""批量发放: the wizard, one file for each step."""

from app.views.distribution.wizard.frame import Wizard

__all__ = ["Wizard"]
