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
    license_expression="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["coinsync", "coinsync.*", "webview", "webview.*"]),
    py_modules=["cli"],
    package_data={
        # Their annotations are meant for whoever imports them.
        "coinsync": ["py.typed"],
        "coinsync.simulator": ["goods/*", "page.html", "names.toml"],
        "coinsync.store": ["migrations/*.py"],
        "webview": ["py.typed", "templates/*", "static/*"],
    },
    # Below the next major release of each, which may take away what is used here. What is really
    # installed, release by release and with its hashes, stands in requirements.txt.
    install_requires=[
        "bottle>=0.13,<0.14",
        "peewee>=4.4,<5",
        # A family's telephone must not load what a camera made: pictures of goods become small, and
        # lose where and when they were taken.
        "pillow>=12,<14",
        "pymysql>=1.1.1,<2",
        "requests>=2.32,<3",
        "rich>=13,<16",
        "tenacity>=9,<10",
        # Later ones import pydantic at the first call, a tenth of a second of every command.
        "typer>=0.28,<0.29",
        # Time zones where the system brings none: slim containers and minimal installations. Its
        # releases are years and no promises: without a bound.
        "tzdata>=2025.1",
        # Brought by requests and not imported here: only from 2.6 on does it unpack an answer no
        # further than it was asked to, which keeps a packed bomb out of memory.
        "urllib3>=2.6,<3",
        # A family must not wait because another one's telephone is slow: the standard library's
        # server lets one stalled client stop all.
        "waitress>=3,<4",
    ],
    extras_require={
        "test": [
            "aioalfacrm>=0.3,<0.4",
            # Brings axe-core, which judges whether the page can be used by everybody.
            "axe-playwright-python>=0.1.8,<0.2",
            "beancount>=3.2,<4",
            # Reads the page's script and refuses what is newer than the browsers that it must run
            # in: a parser of 2018 in plain Python, without dependencies.
            "esprima==4.0.1",
            "hypothesis>=6.150,<7",
            "import-linter>=2.5,<3",
            "mypy>=2,<3",
            # The page's script and VK's frame are only true in a real browser: it drives Debian's
            # Chromium.
            "playwright>=1.65,<2",
            "pytest>=9,<10",
            "pytest-timeout>=2.4,<3",
            "pytest-xdist>=3.8,<4",
            "ruff>=0.17,<0.18",
            "types-PyMySQL",
            "types-requests",
        ],
    },
    entry_points={"console_scripts": ["coinsync = cli:run"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Environment :: Web Environment",
        "Intended Audience :: Education",
        "Natural Language :: English",
        "Natural Language :: Russian",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: Education",
        "Typing :: Typed",
    ],
)
