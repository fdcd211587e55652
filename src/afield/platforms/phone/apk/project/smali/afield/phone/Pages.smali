# Answers the WebView's requests from the app's own assets: the page under one https address, nothing under any other.
# An https origin is a secure context, which camera and microphone take. No request reaches the network.
.class final Lafield/phone/Pages;
.super Landroid/webkit/WebViewClient;

.field final activity:Lafield/phone/MainActivity;

.method constructor <init>(Lafield/phone/MainActivity;)V
    .locals 0
    invoke-direct {p0}, Landroid/webkit/WebViewClient;-><init>()V
    iput-object p1, p0, Lafield/phone/Pages;->activity:Lafield/phone/MainActivity;
    return-void
.end method

.method public shouldInterceptRequest(Landroid/webkit/WebView;Landroid/webkit/WebResourceRequest;)Landroid/webkit/WebResourceResponse;
    .locals 5
    invoke-interface {p2}, Landroid/webkit/WebResourceRequest;->getUrl()Landroid/net/Uri;
    move-result-object v0
    invoke-virtual {v0}, Landroid/net/Uri;->toString()Ljava/lang/String;
    move-result-object v0
    const-string v1, "https://appassets.androidplatform.net/"
    invoke-virtual {v0, v1}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v1
    if-eqz v1, :other
    :try_start
    iget-object v1, p0, Lafield/phone/Pages;->activity:Lafield/phone/MainActivity;
    invoke-virtual {v1}, Lafield/phone/MainActivity;->getAssets()Landroid/content/res/AssetManager;
    move-result-object v1
    const-string v2, "index.html"
    invoke-virtual {v1, v2}, Landroid/content/res/AssetManager;->open(Ljava/lang/String;)Ljava/io/InputStream;
    move-result-object v1
    :try_end
    .catch Ljava/io/IOException; {:try_start .. :try_end} :unreadable
    const-string v2, "text/html"
    goto :answer
    :unreadable
    move-exception v1
    goto :nothing
    :other
    const-string v1, "http"
    invoke-virtual {v0, v1}, Ljava/lang/String;->startsWith(Ljava/lang/String;)Z
    move-result v1
    if-nez v1, :nothing
    const/4 v0, 0x0
    return-object v0
    :nothing
    const/4 v1, 0x0
    new-array v2, v1, [B
    new-instance v1, Ljava/io/ByteArrayInputStream;
    invoke-direct {v1, v2}, Ljava/io/ByteArrayInputStream;-><init>([B)V
    const-string v2, "text/plain"
    :answer
    const-string v3, "utf-8"
    new-instance v4, Landroid/webkit/WebResourceResponse;
    invoke-direct {v4, v2, v3, v1}, Landroid/webkit/WebResourceResponse;-><init>(Ljava/lang/String;Ljava/lang/String;Ljava/io/InputStream;)V
    return-object v4
.end method

# The app shows its own page and no other.
.method public shouldOverrideUrlLoading(Landroid/webkit/WebView;Landroid/webkit/WebResourceRequest;)Z
    .locals 1
    const/4 v0, 0x1
    return v0
.end method
