# make app   installs what the app needs and opens it
# make test  installs what the tests need (Chromium too, where it can) and runs them
#
# An environment is kept under the hash of its requirement files, so that every clone with the same
# requirements shares one, and a changed requirement always gives a fresh one.

PYTHON ?= python3
ENVS   ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/xmr/envs
PORT   ?= 8501

app_files  := requirements.txt
test_files := requirements.txt training/requirements.txt tests/requirements.txt
hash        = $(shell cat $(1) | cksum | tr -d ' ')
app_env    := $(ENVS)/app-$(call hash,$(app_files))
test_env   := $(ENVS)/test-$(call hash,$(test_files))

.PHONY: app test lint env

app: $(app_env)/done
	@mkdir -p .venv && ln -sfn $(app_env) .venv/app
	.venv/app/bin/streamlit run app.py --server.port $(PORT)

test: env
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium >/dev/null) \
		|| echo "no Chromium: the browser tests will be skipped"
	.venv/test/bin/ruff check .
	.venv/test/bin/python -m pytest

env: $(test_env)/done
	@mkdir -p .venv && ln -sfn $(test_env) .venv/test

$(app_env)/done: ; $(call install,$(app_env),requirements.txt)
$(test_env)/done: ; $(call install,$(test_env),tests/requirements.txt)

# A half-made environment has no file `done`, and is made again from nothing.
define install
	rm -rf $(1)
	$(PYTHON) -m venv $(1)
	$(1)/bin/pip install --quiet --disable-pip-version-check -r $(2)
	touch $(1)/done
endef
