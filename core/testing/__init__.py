"""What tests and plugin authors share: recipes, material, and the conformance suite that every plugin should pass.

The suite is the ``test_*.py`` of this package: ``pytest --pyargs core.testing --plugin NAME`` tries an installed
plugin. What is to be trained and coded with is told by the plugin's ``conf/conformance/*.yaml``, each of which lists
the ``words`` of a command line that choose its parts at sizes small enough for seconds.
"""
