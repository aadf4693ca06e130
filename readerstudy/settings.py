"""Settings, each from one environment variable with a safe default. docs/deployment.md explains them."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from readerstudy.common.extras import how_to_install

# Templates, static files and the demo's fixtures: at the top of a checkout, or inside an installed package.
_PACKAGED = Path(__file__).resolve().parent / "_shipped"
SHIPPED = _PACKAGED if _PACKAGED.is_dir() else _PACKAGED.parent.parent
# Where data goes that the environment gives no place: the checkout, or the folder in which an installed one is started.
BASE_DIR = Path.cwd() if _PACKAGED.is_dir() else SHIPPED

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- What kind of process this is -------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# One-click entry and published log-ins: only the demo study's own server sets this.
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set it to a long random string, or DEBUG=true on your own machine."
        )
    SECRET_KEY = "insecure-key-for-development-only"  # noqa: S105
# Keys the hashes of patient ids and file names. It must outlive a rotation of SECRET_KEY.
BLINDING_KEY = env.str("BLINDING_KEY", default=SECRET_KEY)
if "CHANGE-ME" in SECRET_KEY + BLINDING_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY or BLINDING_KEY is still the one of environment.example, which everybody knows. "
        'Make two: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CSRF_FAILURE_VIEW = "readerstudy.common.error_answers.csrf_failure"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "django_tasks",
    "django_tasks_db",
    "readerstudy.accounts",
    "readerstudy.jobs",
    "readerstudy.cases",
    "readerstudy.explanations",
    "readerstudy.studies",
    "readerstudy.reading",
    "readerstudy.exchange",
    "readerstudy.analysis",
    "readerstudy.demo",
]

MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",  # first: refusals and static files of the next two carry the policy too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "readerstudy.accounts.middleware.no_store",
    "readerstudy.accounts.mail.after_the_answer",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "readerstudy.accounts.middleware.IdleMiddleware",
    "readerstudy.accounts.middleware.LoginRedirectMiddleware",
    "readerstudy.accounts.middleware.SecondFactorMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "readerstudy.common.refusal_pages.RefusalMiddleware",
    "readerstudy.common.full_disk.FullDiskMiddleware",
]

ROOT_URLCONF = "readerstudy.urls"
WSGI_APPLICATION = "readerstudy.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SHIPPED / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["readerstudy.common.wording"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "readerstudy.reading.pages.theme.theme",
                "readerstudy.common.version.for_pages",
            ],
        },
    },
]

# --- Data -------------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Write-ahead log: readers do not wait for a writer. Immediate: a writer waits its turn instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        # INSERT OR REPLACE fires the triggers that refuse to delete an answer only with this.
        "PRAGMA recursive_triggers=ON;",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Jobs wait in the database, so that no broker is needed (readerstudy.jobs).
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "gpu"]}}

# Holds the counts of log-in attempts, which all processes must share. The table is made by a migration of accounts.
CACHES = {"default": env.cache_url("CACHE_URL", default="dbcache://shared_cache")}

# Beside the checkout and not in it: what people upload must not lie where Python looks for code. An installation that
# has its files in the checkout already keeps them there, and `check` says so (cases.W001).
_OLD_MEDIA = BASE_DIR / "media"
_MEDIA = _OLD_MEDIA if _OLD_MEDIA.is_dir() else BASE_DIR.parent / f"{BASE_DIR.name}-media"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(_MEDIA)))
MEDIA_URL = "/never-served-directly/"
# Where nginx finds MEDIA_ROOT as an internal location, e.g. /protected/; empty: the application sends the bytes itself.
MEDIA_ACCEL_PREFIX = env.str("MEDIA_ACCEL_PREFIX", default="")
FILE_UPLOAD_PERMISSIONS = 0o640
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20

STATIC_URL = "/static/"
# Only administrators upload. `clean_up` finds what a killed worker left of a large file, received below MEDIA_ROOT.
FILE_UPLOAD_HANDLERS = [
    "readerstudy.cases.loading.receiving.AdministratorsOnly",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "readerstudy.cases.loading.receiving.ReceivedFileHandler",
]
# Uploads in the browser are checked in a process of its own, which may take so much memory, and so many seconds for an
# image. One of up to so many MiB is checked and loaded while the browser waits; a larger one, and one whose check takes
# more seconds than that, by a worker.
UPLOAD_CHECK_MIB = env.int("UPLOAD_CHECK_MIB", default=2048)
UPLOAD_CHECK_SECONDS = env.int("UPLOAD_CHECK_SECONDS", default=110)
UPLOAD_AT_ONCE_MIB = env.int("UPLOAD_AT_ONCE_MIB", default=64)
UPLOAD_AT_ONCE_SECONDS = env.int("UPLOAD_AT_ONCE_SECONDS", default=20)
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [SHIPPED / "static"]
WHITENOISE_USE_FINDERS = DEBUG or DEMO
# Where stored files lie: empty, below MEDIA_ROOT; or s3://BUCKET/PREFIX?endpoint=URL&region=NAME, an object store.
# Uploads on their way stay below MEDIA_ROOT.
MEDIA_STORAGE = env.str("MEDIA_STORAGE", default="")
_FILES: dict[str, Any] = {
    "BACKEND": "readerstudy.common.storage.AtomicFileSystemStorage",
    "OPTIONS": {"durable": not DEMO},  # the demo is made again in seconds
}
if MEDIA_STORAGE:
    if not MEDIA_STORAGE.startswith("s3://") or not MEDIA_STORAGE[5:].split("?")[0].strip("/"):
        raise ImproperlyConfigured(
            f"MEDIA_STORAGE is “{MEDIA_STORAGE}”. Set it to s3://BUCKET, or leave it out to keep files in MEDIA_ROOT."
        )
    if not find_spec("storages") or not find_spec("boto3"):
        raise ImproperlyConfigured(f"MEDIA_STORAGE=s3://... needs the extra s3: {how_to_install('s3')}")
    _FILES = {"BACKEND": "readerstudy.common.object_store.PrivateS3Storage", "OPTIONS": {"address": MEDIA_STORAGE}}
STORAGES = {
    "default": _FILES,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or DEMO
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Classifiers that stored predictions may name although they are paths to import, e.g. wardnet.WardNet. Everything else
# that data name is imported only where an operator names it on the command line.
MODELS = env.list("MODELS", default=[])
# Below it, a folder for each further model (explain.models.folders). Nobody but operators may write there.
MODEL_ROOT = Path(env.str("MODEL_ROOT")) if env.str("MODEL_ROOT", default="") else None
# Seconds after which an analysis that was started on a results page is ended.
ANALYSIS_TIME_LIMIT = env.int("ANALYSIS_TIME_LIMIT", default=3600)
if ANALYSIS_TIME_LIMIT < 1:
    raise ImproperlyConfigured("ANALYSIS_TIME_LIMIT is in seconds, and at least 1.")

# Manifest columns `<name>:<kind>` that load_cases hands to another app; see readerstudy.cases.loading.extensions.
MANIFEST_EXTENSIONS = {"explanation": "readerstudy.explanations.external"}

# --- People -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "readerstudy.accounts.backend.OneHash",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False  # reading workstations are shared: closing the browser logs out
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=60)  # 0: only closing the browser logs out
EXPORT_TOKEN_DAYS = env.int("EXPORT_TOKEN_DAYS", default=90)
ACCOUNT_FORMS = {
    "login": "readerstudy.accounts.forms.LoginForm",
    "reset_password": "readerstudy.accounts.forms.ResetPasswordForm",
}
ACCOUNT_ADAPTER = "readerstudy.accounts.adapter.ClosedSignupAdapter"
# A hospital's readers often share one address, so addresses are limited generously and accounts strictly.
ACCOUNT_RATE_LIMITS = {
    "login": "600/m/ip",
    "login_failed": "120/m/ip,5/300s/key",
    "reset_password": "60/m/ip,5/m/key",
    "reset_password_from_key": "60/m/ip",
}
MFA_ADAPTER = "readerstudy.accounts.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Reader studies"
REQUIRE_MFA_FOR_STAFF = env.bool("REQUIRE_MFA_FOR_STAFF", default=False)
# Without EMAIL_URL a developer's server prints mail; any other sends none, for what it prints is kept in a log.
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://" if DEBUG or DEMO else "dummymail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="readerstudy@localhost")
EMAIL_TIMEOUT = 30  # seconds


def _site(hosts: list[str]) -> str:
    """The first of ALLOWED_HOSTS that is a whole name, and leads here from elsewhere too; "" for none."""
    own = ("*", ".", "127.", "0.0.0.0")  # noqa: S104 - nothing is bound
    whole = (host for host in hosts if not host.startswith(own) and host not in ("localhost", "[::1]", "::1"))
    return next((f"https://{host}" for host in whole), "")


# Where mails to readers lead.
SITE_ADDRESS = env.str("SITE_ADDRESS", default="http://127.0.0.1:8000" if DEBUG or DEMO else _site(ALLOWED_HOSTS))

# --- Security ---------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
# Only the host: addresses of invitations and password resets are keys, and a Referer ends up in logs.
SECURE_REFERRER_POLICY = "strict-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True  # whichever page logged in: log-in, invitation, reading room
if not DEBUG and not DEMO:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^(health|ready)/$"]  # a load balancer asks without TLS
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    if env.bool("BEHIND_PROXY", default=True):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        ALLAUTH_TRUSTED_PROXY_COUNT = 1  # log-in rate limits count by the client address that the proxy names

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # Fail closed: an endpoint that forgets its permission is open to administrators only.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "URL_FORMAT_OVERRIDE": None,  # ?format= would be a 404 that says nothing: there is one renderer
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "readerstudy.common.api_errors.problem_json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Reader study API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # the validator is another host
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# The history says what a row was; going back to it is an edit like any other.
SIMPLE_HISTORY_REVERT_DISABLED = True

# --- Language and time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = False
DATE_FORMAT, DATETIME_FORMAT = "j M Y", "j M Y, H:i"

# text, or json: one object a line (readerstudy.accounts.logs).
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
if LOG_FORMAT not in ("text", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is “{LOG_FORMAT}”. Set it to text or json, or leave it out.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "mask_keys": {"()": "readerstudy.accounts.logs.MaskKeys"},
        "no_quotes": {"()": "readerstudy.accounts.logs.NoQuotes"},
    },
    "formatters": {"text": {"format": "%(message)s"}, "json": {"()": "readerstudy.accounts.logs.JsonLines"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler", "filters": ["mask_keys", "no_quotes"], "formatter": LOG_FORMAT,
        },
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # At lower levels these quote security tokens, and addresses with UIDs.
    "loggers": {
        name: {"level": "WARNING"} for name in ("boto3", "botocore", "s3transfer", "urllib3", "dicomweb_client")
    },
}  # fmt: skip
