"""coinsync as an installable package: two packages, one module, one program."""

from pathlib import Path

from setuptools import find_packages, setup

VERSION = next(
    line.split('"')[1]
    for line in Path("coinsync/__init__.py").read_text(encoding="utf-8").splitlines()
    if line.startswith("__version__")
)

setup(
    name="coinsync",
    version=VERSION,
    description="Attendance in AlfaCRM becomes coins that a family can open in VK",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["coinsync", "coinsync.*", "webview", "webview.*"]),
    py_modules=["cli"],
    package_data={
        "coinsync.simulator": ["goods/*", "page.html", "names.toml"],
        "coinsync.store": ["migrations/*.py"],
        "webview": ["templates/*", "static/*"],
    },
    install_requires=[
        "bottle>=0.13,<0.14",
        "peewee>=4.4,<5",
        # A family's telephone must not load what a camera made: pictures of goods become small, and
        # lose where and when they were taken.
        "pillow>=12",
        "pymysql>=1.1.1",
        "requests>=2.32",
        "rich>=13",
        "tenacity>=9",
        # Later ones import pydantic at the first call, a tenth of a second of every command.
        "typer>=0.28,<0.29",
        # Time zones where the system brings none: slim containers and minimal installations.
        "tzdata>=2025.1",
        # Brought by requests and not imported here: only from 2.6 on does it unpack an answer no
        # further than it was asked to, which keeps a packed bomb out of memory.
        "urllib3>=2.6",
        # A family must not wait because another one's telephone is slow: the standard library's
        # server lets one stalled client stop all.
        "waitress>=3",
    ],
    extras_require={
        "test": [
            "aioalfacrm>=0.3",
            # Brings axe-core, which judges whether the page can be used by everybody.
            "axe-playwright-python>=0.1.8",
            "beancount>=3.2",
            # Reads the page's script and refuses what is newer than the browsers that it must run
            # in: a parser of 2018 in plain Python, without dependencies.
            "esprima==4.0.1",
            "hypothesis>=6.150",
            "import-linter>=2.5",
            "mypy>=2",
            # The page's script and VK's frame are only true in a real browser: it drives Debian's
            # Chromium.
            "playwright>=1.65",
            "pytest>=9",
            "pytest-timeout>=2.4",
            "pytest-xdist>=3.8",
            "ruff>=0.17",
            "types-PyMySQL",
            "types-requests",
        ],
    },
    entry_points={"console_scripts": ["coinsync = cli:run"]},
    classifiers=[
        "Environment :: Console",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Education",
    ],
)
