# Letterlock's verbs. Everything that needs doing first is done by scripts/.
PYTHON = .venv/bin/python

.PHONY: run test lint types unit bench soak shots words environment test-parts

run: environment ## start the whole product; Ctrl-C stops it
	@exec $(PYTHON) manage.py up

environment:
	@sh scripts/environment.sh run

test-parts:
	@sh scripts/environment.sh dev
	@sh scripts/test-parts.sh

test: test-parts ## everything that CI checks
	@sh scripts/test.sh

lint: ## style, format, types and the picture of the rooms
	@sh scripts/test.sh lint

bench: test-parts ## speed, each figure beside its yardstick
	$(PYTHON) bench/run.py

soak: test-parts ## long-running tests
	$(PYTHON) -m pytest tests/soak -q -s

shots: test-parts ## pictures of the running product
	$(PYTHON) scripts/shots.py

words: environment ## take the sentences of the sources into the catalogues of locale/
	@$(PYTHON) scripts/words.py extract
