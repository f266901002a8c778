# make app   installs what the app needs and opens it
# make test  installs what the tests need (Chromium too, where it can) and runs them
# make env   installs what the tests need
# make docs  makes the API reference, docs/api/index.html
# make lock  brings requirements.lock in line with the requirements (needs uv)
#
# tools/env.py says where the environments are kept (ENVS names another folder).

PYTHON ?= python3
PORT   ?= 8501
export PYTHON PORT

.PHONY: app test env docs lock

# Recipes leave variables to the shell, which knows how to quote whatever is in them. Programs are run as modules: a
# script's first line can't name a Python whose path has a space and a quote in it.
app:
	@"$$PYTHON" tools/env.py app requirements.lock requirements.txt
	.venv/app/bin/python -m streamlit run app.py --server.port "$$PORT"

test: env
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium >/dev/null) \
		|| echo "no Chromium: the browser tests will be skipped"
	.venv/test/bin/python -m ruff check .
	.venv/test/bin/python -m ruff format --check .
	.venv/test/bin/python -m mypy
	.venv/test/bin/python -m pytest

env:
	@"$$PYTHON" tools/env.py test requirements.lock requirements.txt training/requirements.txt tests/requirements.txt

docs: env
	.venv/test/bin/python -m tools.docs

lock:
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --custom-compile-command "make lock" \
		--output-file requirements.lock tests/requirements.txt
